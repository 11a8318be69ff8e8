import { Text, Title } from '@mantine/core';
import { useCall } from '../../api/use-call.ts';
import { Attempts } from '../../parts/attempts.tsx';
import { Fold } from '../../parts/fold.tsx';
import { Link, useQueryOfAddress } from '../../parts/link.tsx';
import { Pages } from '../../parts/list.tsx';
import { Empty, Loaded } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import type { Explanation } from './use-explanation.ts';

type Moment = Explanation['timeline'][number];
/** Moments after which something was sent for the request. */
const SENT: ReadonlySet<Moment['what']> = new Set(['attempts', 'outcome']);

/** What happened, the newest first. The place in it is in the address as `before`. */
export function Timeline({ of, newest }: { of: string; newest: Explanation }) {
  const [query, setQuery] = useQueryOfAddress();
  const after = query('before');
  const older = useCall('why', { of, ask: false, after }, { enabled: after !== undefined });
  const page = after === undefined ? newest : older.data;
  const next = page?.timeline_next ?? undefined;
  return (
    <section>
      <Title order={2} size="h4" mb="xs">
        Timeline
      </Title>
      {after === undefined ? (
        <Moments moments={newest.timeline} />
      ) : (
        <Loaded query={older}>{({ timeline }) => <Moments moments={timeline} />}</Loaded>
      )}
      <Pages
        isFirst={after === undefined}
        onFirst={() => setQuery({ before: undefined })}
        {...(next === undefined ? {} : { onNext: () => setQuery({ before: next }) })}
      />
    </section>
  );
}

function Moments({ moments }: { moments: readonly Moment[] }) {
  if (moments.length === 0) return <Empty>Nothing that is kept happened to it.</Empty>;
  return (
    <ol className="timeline">
      {folded(moments).map((group) => {
        const [first] = group;
        return group.length === 1 ? (
          <OneMoment key={keyOf(first)} moment={first} />
        ) : (
          // The key of the oldest one: a new question joins the group without closing it.
          <li key={`questions ${keyOf(group.at(-1) ?? first)}`}>
            <Time at={first.at} />
            <Text size="sm" span fw={600}>
              questions
            </Text>
            <Fold summary={`Questions to the CAS, which change nothing: ${group.length} moments`}>
              <ol className="timeline">
                {group.map((moment) => (
                  <OneMoment key={keyOf(moment)} moment={moment} />
                ))}
              </ol>
            </Fold>
          </li>
        );
      })}
    </ol>
  );
}

function OneMoment({ moment }: { moment: Moment }) {
  return (
    <li>
      <Time at={moment.at} />
      <Text size="sm" span fw={600}>
        {moment.what}
      </Text>
      <div className="breaks">
        {moment.text}{' '}
        {moment.request !== null && <Link to={`/requests/${moment.request}`}>request {moment.request}</Link>}
        {moment.event !== null && <Link to={`/events/${moment.event}`}>event {moment.event}</Link>}
        {moment.request !== null && SENT.has(moment.what) && (
          <Fold summary="What was sent, and what came back">
            <Sent number={moment.request} />
          </Fold>
        )}
      </div>
    </li>
  );
}

function keyOf({ at, what, text }: Moment): string {
  return `${at} ${what} ${text}`;
}

type Group = [Moment, ...Moment[]];
/** So many moments of questions in a row are shown as one line. Each look at this page asks the CAS. */
const QUESTIONS_IN_A_ROW = 3;

/** The moments, with questions to the CAS that follow each other in one group. */
function folded(moments: readonly Moment[]): Group[] {
  const groups: Group[] = [];
  for (const moment of moments) {
    const last = groups.at(-1);
    if (last !== undefined && isQuestion(last[0]) && isQuestion(moment)) last.push(moment);
    else groups.push([moment]);
  }
  return groups.flatMap((group) => (group.length < QUESTIONS_IN_A_ROW ? group.map((one): Group => [one]) : [group]));
}

function isQuestion({ what, request, text }: Moment): boolean {
  return request !== null && (what === 'request' || what === 'outcome') && text.startsWith('GET_');
}

function Sent({ number }: { number: number }) {
  const query = useCall('requests.show', { number: String(number) });
  return (
    <Loaded query={query} lines={3}>
      {({ attempts }) => <Attempts attempts={attempts} />}
    </Loaded>
  );
}
