import type { Input } from '../../api/client.ts';
import { useCall } from '../../api/use-call.ts';
import { type Filter, Filters } from '../../parts/filters.tsx';
import { Link, useQueryOfAddress, Why } from '../../parts/link.tsx';
import { type Column, List, Pages } from '../../parts/list.tsx';
import { Phase, type Request } from '../../parts/requests.tsx';
import { Time } from '../../parts/time.tsx';

type Asked = Input<'requests.list'>;

const PAGE = 50;
/** The API wants at least one filter; this one fits every request. */
const EVER = '1970-01-01T00:00:00Z';
const STATES = ['PENDING', 'COMPLETED', 'REJECTED'] as const satisfies Asked['state'][];
const TYPES = [
  'ADD_SUBSCRIPTIONS',
  'CANCEL_SUBSCRIPTIONS',
  'CREATE_PAIRING',
  'ADD_TO_EXISTING_PAIRING',
  'GET_ACTIVE_SUBSCRIPTIONS',
  'GET_PAIRING_STATUS_FOR_CARD',
  'GET_PAIRING_STATUS_FOR_PAIRING_MODULE',
  'SEND_MAIL_MESSAGE_TO_CLIENT',
  'SEND_BARK_MESSAGE_TO_CLIENT',
  'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT',
  'DISPLAY_FINGERPRINT',
  'UPDATE_CA_PIN_TO_DEFAULT_VALUE',
  'UPDATE_CA_PIN_TO_GIVEN_VALUE',
] as const satisfies Asked['type'][];
const FILTERS: readonly Filter[] = [
  { name: 'state', label: 'State', options: STATES },
  { name: 'type', label: 'Type', options: TYPES },
  { name: 'card', label: 'Card' },
  { name: 'subscription', label: 'Subscription' },
  { name: 'code', label: 'Code of a refusal' },
  { name: 'reference', label: 'Reference number' },
  { name: 'since', label: 'Submitted from', isTime: true },
  { name: 'until', label: 'Submitted before', isTime: true },
];

const COLUMNS: readonly Column<Request>[] = [
  { head: 'Request', width: 90, cell: ({ number }) => <Link to={`/requests/${number}`}>{number}</Link> },
  { head: 'Type', width: 190, cell: ({ type }) => type },
  { head: 'For', width: 140, cell: (request) => <Whom request={request} /> },
  { head: 'Submitted', width: 175, cell: ({ log_information: log }) => <Time at={log.created_date} /> },
  { head: 'Phase', width: 190, cell: (request) => <Phase request={request} /> },
  { head: 'Attempts', width: 85, cell: ({ attempts }) => attempts },
  { head: 'Last error', cell: (request) => errorText(request) },
];

/** Requests that fit the filters of the address, the newest first. */
export function RequestList() {
  const [query, setQuery] = useQueryOfAddress();
  const after = query('after');
  const asked = {
    ...Object.fromEntries(FILTERS.map(({ name }) => [name, query(name)])),
    since: query('since') ?? EVER,
    newest: true,
    limit: PAGE,
    after: after === undefined ? undefined : Number(after),
  } as Asked;
  const found = useCall('requests.list', asked, after === undefined ? { every: 5_000 } : {});
  const rows = found.data?.requests;
  const last = rows?.at(-1)?.number;
  return (
    <>
      <Filters filters={FILTERS} />
      <List
        label="Requests"
        query={found}
        rows={rows}
        rowKey={({ number }) => number}
        columns={COLUMNS}
        minWidth={980}
        empty="No request fits these filters. Take some of them out, or search the number at the top."
      />
      <Pages
        isFirst={after === undefined}
        onFirst={() => setQuery({ after: undefined })}
        {...(rows?.length === PAGE ? { onNext: () => setQuery({ after: last }) } : {})}
      />
    </>
  );
}

function Whom({ request: { smartcard_ca_ids: cards, subscription_number: subscription } }: { request: Request }) {
  const numbers = [...cards, ...(subscription === null ? [] : [subscription])];
  return numbers.length === 0
    ? '–'
    : numbers.map((one) => (
        <div key={one}>
          <Why of={one} />
        </div>
      ));
}

function errorText({ error_code: code, error_description: description, last_error: last }: Request): string {
  if (code === null) return last ?? '–';
  return description === null ? code : `${code}: ${description}`;
}
