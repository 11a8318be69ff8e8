import { NativeSelect, Stack, TextInput, Title } from '@mantine/core';
import { useState } from 'react';
import { useLocation } from 'wouter';
import type { ApiError, Input } from '../api/client.ts';
import { Action } from '../parts/action.tsx';
import { useForm } from '../parts/form.tsx';
import { EMPTY_MESSAGE, MessageFields, messageOf } from '../parts/message-fields.tsx';

const EMPTY = { ...EMPTY_MESSAGE, to: 'card', whom: '' };

/** Puts a message into the queue. */
export function NewQueueEntryPage() {
  const [error, setError] = useState<ApiError | null>(null);
  const [, navigate] = useLocation();
  const form = useForm<Record<keyof typeof EMPTY, string>>(['queue.add'], EMPTY, error);
  const { values } = form;
  const isCard = values.to === 'card';
  const whom = values.whom.trim();
  const input = {
    ...messageOf(values),
    ...(isCard ? { smartcard_ca_id: whom } : { subscription_number: whom }),
  } as Input<'queue.add'>;
  return (
    <Stack maw={900}>
      <Title order={1}>Add a message to the queue</Title>
      <NativeSelect
        {...form.field('to', 'For')}
        data={[
          { value: 'card', label: 'one card' },
          { value: 'subscription', label: 'all cards of one subscription' },
        ]}
      />
      <TextInput
        {...form.field('whom', isCard ? 'Card' : 'Subscription', isCard ? 'smartcard_ca_id' : 'subscription_number')}
        required
      />
      <MessageFields form={form} />
      <div>
        <Action
          name="queue.add"
          input={input}
          label="Add the message"
          variant="filled"
          effect={`This puts 1 message for ${isCard ? 'card' : 'the cards of subscription'} ${whom || '–'} into the queue. Nothing is sent until a run of the queue, or a schedule, sends it.`}
          onFailed={setError}
          done={({ number }) => `Message ${number} waits in the queue.`}
          onDone={() => {
            form.clear();
            navigate('/queue');
          }}
        />
      </div>
    </Stack>
  );
}
