import { Group, NativeSelect, Textarea, TextInput } from '@mantine/core';
import { type Form, given, momentOf, numberOf } from './form.tsx';

export const EMPTY_MESSAGE = {
  type: 'MAIL',
  message: '',
  start_indication_date_time: '',
  display_duration: '',
  repetition_count: '',
  repetition_interval: '',
};
export type MessageValues = Record<keyof typeof EMPTY_MESSAGE, string>;

/** The fields of a mail, a bark or a repeating bark. `prefix` is what their paths in the API start with. */
export function MessageFields({ form, prefix = '' }: { form: Form<MessageValues>; prefix?: string }) {
  const { type } = form.values;
  const field = (name: keyof MessageValues, label: string) => form.field(name, label, `${prefix}${name}`);
  return (
    <>
      <NativeSelect
        {...field('type', 'Kind of message')}
        data={[
          { value: 'MAIL', label: 'Mail' },
          { value: 'BARK', label: 'Bark' },
          { value: 'REPEATING_BARK', label: 'Repeating bark' },
        ]}
      />
      <Textarea {...field('message', 'Text')} required autosize minRows={2} />
      <Group align="start" grow preventGrowOverflow={false}>
        <TextInput
          {...field('start_indication_date_time', 'First shown (your time)')}
          type="datetime-local"
          miw={220}
        />
        {type !== 'MAIL' && (
          <TextInput {...field('display_duration', 'Shown for, in seconds')} inputMode="numeric" miw={220} />
        )}
      </Group>
      {type === 'REPEATING_BARK' && (
        <Group align="start" grow preventGrowOverflow={false}>
          <TextInput {...field('repetition_count', 'Repetitions')} required inputMode="numeric" miw={220} />
          <TextInput {...field('repetition_interval', 'Interval, in seconds')} required inputMode="numeric" miw={220} />
        </Group>
      )}
    </>
  );
}

/** The message as the API takes it. Fields that do not belong to its kind are left out, whatever was typed into them. */
export function messageOf(values: MessageValues) {
  const type = values.type as 'MAIL' | 'BARK' | 'REPEATING_BARK';
  return {
    type,
    message: values.message,
    start_indication_date_time: momentOf(values.start_indication_date_time),
    ...(type === 'MAIL' ? {} : { display_duration: numberOf(values.display_duration) }),
    ...(type === 'REPEATING_BARK'
      ? {
          repetition_count: numberOf(values.repetition_count),
          repetition_interval: numberOf(values.repetition_interval),
        }
      : {}),
  };
}

/** A message in a list: its kind and its text. */
export function messageText({ type, message }: { type: string; message: string }): string {
  return `${type.toLowerCase().replace('_', ' ')}: ${given(message) ?? ''}`;
}
