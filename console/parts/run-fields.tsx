import { Group, NativeSelect, TextInput } from '@mantine/core';
import type { Input } from '../api/client.ts';
import { type Form, momentOf, numberOf } from './form.tsx';
import { EMPTY_MESSAGE, MessageFields, messageOf } from './message-fields.tsx';
import { KINDS, type RunKind } from './run-kinds.ts';
import { EMPTY_SELECTION, SelectionFields, selectionOf } from './selection-fields.tsx';

/** What is typed for a run of any kind. Another kind keeps what was typed for the first one. */
export const EMPTY_RUN = {
  kind: 'MESSAGE',
  ...EMPTY_MESSAGE,
  display_date_time: '',
  duration: '',
  position_x: '',
  position_y: '',
  height: '',
  fingerprint_slot: '',
  ...EMPTY_SELECTION,
  run: '',
  only: '',
};
export type RunValues = Record<keyof typeof EMPTY_RUN, string>;

/** The kind of a run, what it does, and for whom. */
export function RunFields({ form }: { form: Form<RunValues> }) {
  const kind = form.values.kind as RunKind;
  return (
    <>
      <NativeSelect
        {...form.field('kind', 'Kind', `kind.${kind}`)}
        data={KINDS.map(({ kind: value, name }) => ({ value, label: name }))}
      />
      {kind === 'MESSAGE' && <MessageFields form={form} prefix="parameters." />}
      {kind === 'FINGERPRINT' && <FingerprintFields form={form} />}
      {kind === 'RECONCILE_FIX' && (
        <Group align="start" grow preventGrowOverflow={false}>
          <TextInput {...form.field('run', 'Reconcile run', 'selection.run')} required inputMode="numeric" miw={220} />
          <NativeSelect
            {...form.field('only', 'Only', 'parameters.only')}
            data={[{ value: '', label: 'everything' }, 'MISSING_IN_CAS', 'TOO_MUCH_IN_CAS']}
            miw={220}
          />
        </Group>
      )}
      {kind !== 'QUEUE' && kind !== 'RECONCILE_FIX' && <SelectionFields form={form} list={listOf(kind)} />}
    </>
  );
}

function FingerprintFields({ form }: { form: Form<RunValues> }) {
  const number = (name: keyof RunValues, label: string, required: boolean) => (
    <TextInput {...form.field(name, label, `parameters.${name}`)} required={required} inputMode="numeric" miw={180} />
  );
  return (
    <>
      <Group align="start" grow preventGrowOverflow={false}>
        {number('position_x', 'From the left', true)}
        {number('position_y', 'From the top', true)}
        {number('height', 'Height', true)}
        {number('fingerprint_slot', 'Slot', true)}
      </Group>
      <Group align="start" grow preventGrowOverflow={false}>
        <TextInput
          {...form.field('display_date_time', 'Shown at (your time)', 'parameters.display_date_time')}
          type="datetime-local"
          miw={220}
        />
        {number('duration', 'Shown for, in seconds', false)}
      </Group>
    </>
  );
}

/** The run as the API takes it. It has only what belongs to its kind. */
export function runOf(values: RunValues): Input<'runs.estimate'> {
  const kind = values.kind as RunKind;
  return {
    kind,
    parameters: parametersOf(kind, values),
    selection: selectionFor(kind, values),
  } as Input<'runs.estimate'>;
}

function parametersOf(kind: RunKind, values: RunValues): object {
  if (kind === 'MESSAGE') return messageOf(values);
  if (kind === 'RECONCILE_FIX') return { only: values.only === '' ? undefined : values.only };
  if (kind !== 'FINGERPRINT') return {};
  return {
    display_date_time: momentOf(values.display_date_time),
    duration: numberOf(values.duration),
    position_x: numberOf(values.position_x),
    position_y: numberOf(values.position_y),
    height: numberOf(values.height),
    fingerprint_slot: numberOf(values.fingerprint_slot),
  };
}

function selectionFor(kind: RunKind, values: RunValues): object {
  if (kind === 'QUEUE') return {};
  if (kind === 'RECONCILE_FIX') return { run: numberOf(values.run) };
  return selectionOf(values, listOf(kind));
}

function listOf(kind: RunKind): 'cards' | 'subscriptions' {
  return kind === 'RESYNC' ? 'subscriptions' : 'cards';
}
