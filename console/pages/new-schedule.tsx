import { Fieldset, Group, Stack, TextInput, Title } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { useLocation } from 'wouter';
import type { ApiError } from '../api/client.ts';
import { Action } from '../parts/action.tsx';
import { useForm } from '../parts/form.tsx';
import { kindText } from '../parts/run-kinds.ts';
import { EMPTY_RUN, RunFields, runOf, type RunValues } from '../parts/run-fields.tsx';
import { NextTimes } from '../parts/schedule-times.tsx';

const HERE = new Intl.DateTimeFormat().resolvedOptions().timeZone;
const TYPING_MS = 400;

/** Adds a schedule: when on whose clocks, and the run that starts then. */
export function NewSchedulePage() {
  const [error, setError] = useState<ApiError | null>(null);
  const [, navigate] = useLocation();
  const form = useForm<RunValues & { name: string; cron: string; time_zone: string }>(
    ['runs.start', 'schedules.add'],
    { ...EMPTY_RUN, kind: 'QUEUE', name: '', cron: '', time_zone: HERE },
    error,
  );
  const { values } = form;
  const [cron] = useDebouncedValue(values.cron, TYPING_MS);
  const [zone] = useDebouncedValue(values.time_zone, TYPING_MS);
  const { kind, parameters, selection } = runOf(values);
  const name = values.name.trim();
  return (
    <Stack maw={900}>
      <Title order={1}>Add a schedule</Title>
      <TextInput {...form.field('name', 'Name')} required />
      <Group align="start" grow preventGrowOverflow={false}>
        <TextInput {...form.field('cron', 'Times')} required placeholder="0 18 * * *" miw={260} />
        <TextInput {...form.field('time_zone', 'Time zone')} miw={260} />
      </Group>
      <Fieldset legend="The next times, on your clock">
        <NextTimes cron={cron} zone={zone} />
      </Fieldset>
      <Fieldset legend="The run that starts at these times">
        <Stack>
          <RunFields form={form} />
        </Stack>
      </Fieldset>
      <div>
        <Action
          name="schedules.add"
          input={{
            name,
            kind,
            cron: values.cron.trim(),
            time_zone: values.time_zone.trim() || undefined,
            parameters: { ...parameters },
            selection: { ...selection },
          }}
          label="Add the schedule"
          variant="filled"
          effect={`This starts a run of the kind ${kindText(kind).name} by itself at every time of "${values.cron.trim()}" on the clocks of ${values.time_zone.trim() || 'UTC'}, until somebody disables it.`}
          onFailed={setError}
          done={() => `Schedule ${name} is added.`}
          onDone={() => {
            form.clear();
            navigate(`/schedules/${encodeURIComponent(name)}`);
          }}
        />
      </div>
    </Stack>
  );
}
