import { Button, type ButtonProps, Group, Modal, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useCallback, useRef, useState } from 'react';
import { type ApiError, callApi, type CallName, type Input, mayCall, type Output } from '../api/client.ts';
import { useSession } from '../session.tsx';
import { useTell } from './messages.tsx';
import { Failed, MissingAnswers } from './states.tsx';

interface ActionProps<N extends CallName> extends Omit<ButtonProps, 'children'> {
  /** The call that the button makes. A person whose role may not make it does not see the button. */
  readonly name: N;
  readonly input: Input<N>;
  /** A verb and its object: `Withdraw request 17`. */
  readonly label: string;
  /** What the button shows if the label is too long for its place; a part of the label. */
  readonly short?: string;
  /**
   * What the call does, before it is made: `This cancels 3 services on 1 card.` Nobody can confirm it before every answer in
   * it is shown.
   */
  readonly effect: ReactNode;
  /** What happened, from the answer; shown in a corner. */
  readonly done: (output: Output<N>) => ReactNode;
  readonly onDone?: (output: Output<N>) => void;
  /** For a form, which shows at its fields what is wrong. The dialogue shows it too. */
  readonly onFailed?: (error: ApiError) => void;
  /** False: the dialogue cannot be confirmed yet, for instance because a reason is missing. */
  readonly isReady?: boolean;
  readonly dangerous?: boolean;
  /** What happened stays on the screen until the person closes it, for instance a new password. */
  readonly doneStays?: boolean;
}

/** A button that names the effect of a call and makes it if the person confirms. Then everything shown is read again. */
export function Action<N extends CallName>({
  name,
  input,
  label,
  short,
  effect,
  done,
  onDone,
  onFailed,
  isReady = true,
  dangerous = false,
  doneStays = false,
  ...button
}: ActionProps<N>) {
  const { role } = useSession();
  const [opened, { open, close }] = useDisclosure(false);
  const [missing, setMissing] = useState(0);
  const countMissing = useCallback((change: number) => setMissing((before) => before + change), []);
  const canConfirm = isReady && missing === 0;
  const queries = useQueryClient();
  const tell = useTell();
  // One for each time that the dialogue is opened: a second try after no answer does nothing twice.
  const key = useRef('');
  // A double click also hits the button while the dialogue disappears.
  const isSent = useRef(false);
  const { mutate, isPending, error, reset } = useMutation<Output<N>, ApiError>({
    mutationFn: () => callApi(name, input, { key: key.current }),
    onError(failure) {
      isSent.current = false;
      onFailed?.(failure);
    },
    onSuccess(output) {
      close();
      tell(done(output), { stays: doneStays });
      onDone?.(output);
      void queries.invalidateQueries();
    },
  });
  if (!mayCall(role, name)) return null;
  const color = dangerous ? 'red' : undefined;
  return (
    <>
      <Button
        size="xs"
        variant="default"
        {...button}
        {...(short === undefined ? {} : { 'aria-label': label })}
        onClick={() => {
          reset();
          key.current = randomKey();
          isSent.current = false;
          open();
        }}
      >
        {short ?? label}
      </Button>
      <Modal opened={opened} onClose={close} title={label} centered closeButtonProps={{ 'aria-label': 'Close' }}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (!canConfirm || isSent.current) return;
            isSent.current = true;
            mutate();
          }}
        >
          <Stack>
            <MissingAnswers value={countMissing}>
              {typeof effect === 'string' ? <Text>{effect}</Text> : effect}
            </MissingAnswers>
            {error !== null && <Failed error={error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                Cancel
              </Button>
              <Button
                type="submit"
                data-autofocus
                onKeyDown={(event) => {
                  // The key that opened the dialogue and is still held down does not confirm it.
                  if (event.repeat) event.preventDefault();
                }}
                {...(color === undefined ? {} : { color })}
                disabled={!canConfirm}
                loading={isPending}
              >
                {label}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}

/** Not crypto.randomUUID, which browsers have only on HTTPS. */
function randomKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
