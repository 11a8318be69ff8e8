import { Text, Title } from '@mantine/core';
import { Link, Why } from '../../parts/link.tsx';
import { type Column, List } from '../../parts/list.tsx';
import { State } from '../../parts/state.tsx';
import { age } from '../../parts/time.tsx';
import type { Explanation } from './use-explanation.ts';

type Entitlement = Explanation['entitlements'][number];

/**
 * What the CRM entitles, what we sent last and what the CAS has, side by side, and in words what differs.
 * @param at when the CAS was asked; null if it was not.
 */
export function Entitlements({ entitlements, at }: Pick<Explanation, 'entitlements'> & { at: string | null }) {
  const columns: readonly Column<Entitlement>[] = [
    { head: 'Service', width: 90, cell: ({ service_ca_id: service }) => service },
    {
      head: 'Product',
      cell: ({ product_code: product, distributor }) =>
        [product, distributor].filter((one) => one !== null).join(', ') || '–',
    },
    { head: 'Card', width: 140, cell: ({ smartcard_ca_id: card }) => <Why of={card} /> },
    { head: 'CRM', width: 110, cell: ({ crm }) => crm },
    { head: 'We sent last', width: 220, cell: (line) => <LastSent {...line} /> },
    { head: at === null ? 'CAS' : `CAS, ${age(at)} ago`, width: 150, cell: ({ cas }) => cas },
    { head: 'Difference', width: 190, cell: (line) => <Difference {...line} /> },
  ];
  return (
    <section>
      <Title order={2} size="h4" mb="xs">
        Services
      </Title>
      <List
        label="Services"
        rows={entitlements}
        rowKey={({ smartcard_ca_id: card, service_ca_id: service }) => `${card} ${service}`}
        columns={columns}
        minWidth={1_000}
        empty="The CRM entitles no service, and the CAS is not known to have one."
      />
    </section>
  );
}

function LastSent({ last_sent: sent, request, request_phase: phase }: Entitlement) {
  if (request === null) return 'nothing that is kept';
  return (
    <>
      {sent} by <Link to={`/requests/${request}`}>request {request}</Link>, {phase}
    </>
  );
}

function Difference(line: Entitlement) {
  const difference = differenceOf(line);
  if (difference !== null) return <State of={difference} tone="bad" />;
  return (
    <Text size="sm" span c="dimmed">
      {line.cas === 'active' || line.cas === 'missing' ? 'none' : 'not known'}
    </Text>
  );
}

/** In words; null if nothing is known to differ. */
function differenceOf({ crm, cas, last_sent: sent, request_phase: phase }: Entitlement): string | null {
  if (crm === 'entitled' && cas === 'missing') return 'missing in the CAS';
  if (crm === 'not entitled' && cas === 'active') return 'too much in the CAS';
  if (cas === 'active' || cas === 'missing' || crm === 'not entitled') return null;
  if (sent === 'CANCEL') return 'we cancelled it';
  return sent === 'none' || phase === 'COMPLETED' ? null : 'not added yet';
}
