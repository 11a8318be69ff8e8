import { Stack, Text } from '@mantine/core';
import type { Output } from '../api/client.ts';
import { useCall } from '../api/use-call.ts';
import { Action } from './action.tsx';
import { counted } from './progress.tsx';
import { State } from './state.tsx';
import { Loaded } from './states.tsx';
import { Time } from './time.tsx';

type Story = Output<'requests.show'>;
export type Request = Omit<Story['request'], 'action_id' | 'action_number' | 'causation_event_id'>;

/** Such as `ADD_SUBSCRIPTIONS (service_ca_id 1001, smartcard_ca_id 20000000101)`. */
export function commandText({ type, parameters_set: parameters }: Pick<Request, 'type' | 'parameters_set'>): string {
  const shown = parametersOf(parameters).map(([name, value]) => `${name} ${value}`);
  return `${type} (${shown.join(', ')})`;
}

/** The parameters of a command by name; a name may come several times. */
export function parametersOf(set: Request['parameters_set']): [string, string | number | null][] {
  return set.flatMap((one) => Object.entries(one).filter(([name]) => name !== 'id'));
}

type Progress = Pick<Request, 'phase' | 'waits_for' | 'next_try_date'>;

/** How far a request is, and what it waits for. */
export function Phase({ request }: { request: Progress }) {
  const { phase } = request;
  const isBad = phase === 'RETRYING' || phase === 'REJECTED';
  return (
    <>
      <State of={phase} tone={isBad ? 'bad' : phase === 'COMPLETED' ? 'good' : 'busy'} />
      <div>
        <Wait {...request} />
      </div>
    </>
  );
}

function Wait({ phase, waits_for: first, next_try_date: next }: Progress) {
  if (phase === 'WAITING_BEHIND' && first !== null) return `after request ${first}`;
  if (next === null || (phase !== 'RETRYING' && phase !== 'SCHEDULED')) return null;
  return (
    <>
      {phase === 'RETRYING' ? 'next try at' : 'due at'} <Time at={next} />
    </>
  );
}

/** Sends a request now, with what goes before it on its cards. */
export function ProcessRequest({ number, short }: { number: number; short?: string }) {
  return (
    <Action
      name="requests.process"
      input={{ number }}
      label={`Send request ${number} now`}
      {...(short === undefined ? {} : { short })}
      effect={<Effect number={number} says={processText} />}
      done={({ provisioning_requests: requests, notice }) =>
        [...requests.map((one) => `Request ${one.number} is ${one.life_cycle_state}.`), notice].join(' ')
      }
    />
  );
}

/** A button that withdraws a request. */
export function WithdrawRequest({ number, short }: { number: number; short?: string }) {
  return (
    <Action
      name="requests.withdraw"
      input={{ number }}
      label={`Withdraw request ${number}`}
      {...(short === undefined ? {} : { short })}
      effect={<Effect number={number} says={withdrawText} />}
      done={() => `Request ${number} is withdrawn.`}
      dangerous
    />
  );
}

/** The sentence for a request, with how many unfinished ones of its card go before it and come after it. */
function Effect({
  number,
  says,
}: {
  number: number;
  says: (command: string, before: number, after: number) => string;
}) {
  const story = useCall('requests.show', { number: String(number) });
  const [card] = story.data?.request.smartcard_ca_ids ?? [];
  const pending = useCall('requests.list', { card, state: 'PENDING', limit: 1_000 }, { enabled: card !== undefined });
  const others = pending.data?.requests ?? [];
  const request = story.data?.request;
  return (
    <Loaded<unknown> query={card === undefined ? story : pending} lines={2}>
      {() =>
        request !== undefined && (
          <Stack gap="xs" mih={72}>
            <Text className="breaks">
              {says(
                commandText(request),
                others.filter((one) => one.number < number).length,
                others.filter((one) => one.number > number).length,
              )}
            </Text>
            {request.last_error !== null && (
              <Text size="sm" className="breaks">
                Its last error: {request.last_error}
              </Text>
            )}
          </Stack>
        )
      }
    </Loaded>
  );
}

function processText(command: string, before: number): string {
  const first = before === 0 ? '' : `, after ${counted(before, 'unfinished request')} of its card that must go first`;
  return `This sends 1 request now: ${command}${first}. It does not wait for its date or for other cards.`;
}

function withdrawText(command: string, before: number, after: number): string {
  const others = before + after === 0 ? '' : ` ${counted(before + after, 'other request')} of its card go on.`;
  return `This gives up 1 request for good: ${command} is not sent.${others}`;
}
