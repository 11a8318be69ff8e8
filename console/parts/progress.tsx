import { Group, Progress as Bar, Text } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { span } from './time.tsx';

/** The rate is that of the last minute. */
const REMEMBERED_MS = 60_000;
const LEAST_MS = 2_000;

/**
 * How many per second were done lately; null until that is known.
 * @param at when `done` was read, in epoch milliseconds.
 */
function useRate(done: number, at: number): number | null {
  const seen = useRef<{ at: number; done: number }[]>([]);
  const [rate, setRate] = useState<number | null>(null);
  useEffect(() => {
    seen.current = [...seen.current.filter((one) => one.at > at - REMEMBERED_MS && one.at < at), { at, done }];
    const [first] = seen.current;
    if (first !== undefined && at - first.at >= LEAST_MS) setRate(((done - first.done) * 1_000) / (at - first.at));
  }, [done, at]);
  return rate;
}

/** How far something is: a bar, counts, and while it is under way its rate and the time left. */
export function Progress({
  label,
  done,
  total,
  at,
  isUnderWay,
}: {
  label: string;
  done: number;
  total: number;
  at: number;
  isUnderWay: boolean;
}) {
  const rate = useRate(done, at);
  const percent = total === 0 ? 0 : Math.floor((100 * done) / total);
  const isMoving = isUnderWay && rate !== null && rate > 0;
  return (
    <div>
      <Bar.Root size="lg">
        <Bar.Section value={percent} aria-label={label} />
      </Bar.Root>
      <Group gap="lg" mt={4} mih={24}>
        <Text size="sm" className="number">
          {count(done)} of {count(total)} ({percent} %)
        </Text>
        {isMoving && (
          <Text size="sm" className="number">
            {rateText(rate)}, {span((total - done) / rate)} left
          </Text>
        )}
      </Group>
    </div>
  );
}

/** How many per second are done, if the total is not known. */
export function Rate({ done, at }: { done: number; at: number }) {
  const rate = useRate(done, at);
  return <>{rate !== null && rate > 0 && `(${rateText(rate)})`}</>;
}

function rateText(rate: number): string {
  return `${rate < 10 ? rate.toFixed(1) : count(Math.round(rate))} per second`;
}

/** A number with separators, such as `12,408`. */
export function count(number: number): string {
  return number.toLocaleString();
}

/** `1 card`, `12,408 cards`. */
export function counted(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}
