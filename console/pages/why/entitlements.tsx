import { Table, Text, Title } from '@mantine/core';
import { Link, Why } from '../../parts/link.tsx';
import { State } from '../../parts/state.tsx';
import { Empty } from '../../parts/states.tsx';
import { age } from '../../parts/time.tsx';
import type { Explanation } from './use-explanation.ts';

type Entitlement = Explanation['entitlements'][number];

/** What the CRM entitles, what we sent last and what the CAS has, side by side, and in words what differs. */
export function EntitlementTable({ shown, at }: { shown: Explanation; at: string | null }) {
  const { entitlements } = shown;
  return (
    <section>
      <Title order={2} size="h4" mb="xs">
        Services
      </Title>
      {entitlements.length === 0 ? (
        <Empty>The CRM entitles no service, and the CAS is not known to have one.</Empty>
      ) : (
        <Table.ScrollContainer minWidth={880} type="native" tabIndex={0} role="region" aria-label="Services">
          <Table layout="fixed" verticalSpacing={6} aria-label="Services">
            <Table.Thead>
              <Table.Tr>
                <Table.Th w={90}>Service</Table.Th>
                <Table.Th>Product</Table.Th>
                <Table.Th w={140}>Card</Table.Th>
                <Table.Th w={110}>CRM</Table.Th>
                <Table.Th w={210}>We sent last</Table.Th>
                <Table.Th w={170}>CAS{at === null ? '' : `, ${age(at)} ago`}</Table.Th>
                <Table.Th w={190}>Difference</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {entitlements.map((line) => (
                <Line key={`${line.smartcard_ca_id} ${line.service_ca_id}`} {...line} />
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </section>
  );
}

function Line(line: Entitlement) {
  const { smartcard_ca_id: card, service_ca_id: service, product_code: product, distributor, crm, cas } = line;
  const { last_sent: sent, request, request_phase: phase } = line;
  const difference = differenceOf(line);
  return (
    <Table.Tr>
      <Table.Td className="breaks">{service}</Table.Td>
      <Table.Td className="breaks">{[product, distributor].filter((one) => one !== null).join(', ') || '–'}</Table.Td>
      <Table.Td className="breaks">
        <Why of={card} />
      </Table.Td>
      <Table.Td>{crm}</Table.Td>
      <Table.Td className="breaks">
        {request === null ? (
          'nothing that is kept'
        ) : (
          <>
            {sent} by <Link to={`/requests/${request}`}>{request}</Link>: {phase}
          </>
        )}
      </Table.Td>
      <Table.Td>{cas}</Table.Td>
      <Table.Td className="breaks">
        {difference === null ? (
          <Text size="sm" span c="dimmed">
            {cas === 'active' || cas === 'missing' ? 'none' : 'not known'}
          </Text>
        ) : (
          <State of={difference} tone="bad" />
        )}
      </Table.Td>
    </Table.Tr>
  );
}

/** In words; null if nothing is known to differ. */
function differenceOf({ crm, cas, last_sent: sent, request_phase: phase }: Entitlement): string | null {
  if (crm === 'entitled' && cas === 'missing') return 'missing in the CAS';
  if (crm === 'not entitled' && cas === 'active') return 'too much in the CAS';
  if (cas === 'active' || cas === 'missing' || crm === 'not entitled') return null;
  if (sent === 'CANCEL') return 'we cancelled it';
  if (sent === 'none') return null;
  return phase === 'COMPLETED' ? null : 'not added yet';
}
