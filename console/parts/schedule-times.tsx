import { Text } from '@mantine/core';
import { useCall } from '../api/use-call.ts';
import { Time } from './time.tsx';

const SHOWN = 5;

/** The next times of a cron expression, in the viewer's zone, or what is wrong with it. */
export function NextTimes({ cron, zone }: { cron: string; zone: string }) {
  const isGiven = cron.trim() !== '';
  const { data, error } = useCall(
    'schedules.times',
    { cron, time_zone: zone.trim() === '' ? undefined : zone.trim(), limit: SHOWN },
    { enabled: isGiven },
  );
  return (
    <div className="next-times" aria-live="polite">
      {!isGiven && <Text size="sm">Type the times to see when runs would start.</Text>}
      {isGiven && error !== null && (
        <Text size="sm" className="breaks">
          {error.message}
        </Text>
      )}
      {isGiven && error === null && data !== undefined && (
        <ol>
          {data.dates.map((at) => (
            <li key={at}>
              <Time at={at} full />
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}
