import { Alert, List as Items, Text } from '@mantine/core';
import type { Output } from '../../api/client.ts';
import { useCall } from '../../api/use-call.ts';
import { Action } from '../../parts/action.tsx';
import { Link } from '../../parts/link.tsx';
import { counted } from '../../parts/progress.tsx';
import { Loaded } from '../../parts/states.tsx';

type Fix = Output<'reconcile.fix'>['cards'][number];

const LIVE_MS = 1_000;
const RESTING_MS = 30_000;

function isEnded(state: string | undefined): boolean {
  return state !== undefined && state !== 'PREPARING' && state !== 'RUNNING';
}

/** What a reconcile run found: when it ended, what a fix would send, and the button that sends it. */
export function Reconciled({ run: id }: { run: number }) {
  const run = useCall('runs.show', { id }, { every: (last) => (isEnded(last?.state) ? RESTING_MS : LIVE_MS) });
  const isOver = isEnded(run.data?.state);
  const fixes = useCall('reconcile.fix', { id }, { enabled: isOver });
  if (!isOver) {
    return (
      <Text size="sm" aria-live="polite">
        Run <Link to={`/runs/${id}`}>{id}</Link> asks the CAS …
      </Text>
    );
  }
  return (
    <Loaded query={fixes} lines={2}>
      {({ cards }) => <Fixes run={id} fixes={cards} />}
    </Loaded>
  );
}

function Fixes({ run, fixes }: { run: number; fixes: readonly Fix[] }) {
  const commands = fixes.flatMap(({ smartcard_ca_id: card, commands: all }) =>
    all.map(({ type, service_ca_id: service }) => `${type} ${service} on ${card}`),
  );
  const cards = fixes.filter((one) => one.commands.length > 0).length;
  const says = `${counted(commands.length, 'command')} to ${counted(cards, 'card')}`;
  if (commands.length === 0) {
    return (
      <Text size="sm">
        Run <Link to={`/runs/${run}`}>{run}</Link> found nothing to fix: the CRM and the CAS agree by now.
      </Text>
    );
  }
  return (
    <Alert color="blue" title={`Run ${run} found what differs`}>
      <Items size="sm" mb="xs">
        {commands.map((command) => (
          <Items.Item key={command} className="breaks">
            {command}
          </Items.Item>
        ))}
      </Items>
      <Action
        name="runs.start"
        input={{ kind: 'RECONCILE_FIX', parameters: {}, selection: { run } }}
        label={`Fix what run ${run} found`}
        effect={`This sends ${says}: ${commands.join(', ')}. Each card is planned again when its turn comes.`}
        done={({ id }) => `Run ${id} is started.`}
      />
    </Alert>
  );
}
