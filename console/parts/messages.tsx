import { Notification, Stack } from '@mantine/core';
import { createContext, type ReactNode, useCallback, useContext, useState } from 'react';

interface Message {
  readonly id: number;
  readonly text: ReactNode;
  readonly isError: boolean;
}

type Tell = (text: ReactNode, options?: { isError?: boolean; stays?: boolean }) => void;

const MessagesContext = createContext<Tell>(() => {});
const SHOWN_MS = 8_000;
let lastId = 0;

/** Shows short messages in a corner. A message goes after 8 s; an error, and one that `stays`, when it is closed. */
export function MessagesProvider({ children }: { children: ReactNode }) {
  const [messages, setMessages] = useState<readonly Message[]>([]);
  const remove = useCallback((id: number) => setMessages((all) => all.filter((one) => one.id !== id)), []);
  const tell = useCallback<Tell>(
    (text, { isError = false, stays = isError } = {}) => {
      lastId += 1;
      const id = lastId;
      setMessages((all) => [...all.slice(-4), { id, text, isError }]);
      if (!stays) setTimeout(() => remove(id), SHOWN_MS);
    },
    [remove],
  );
  return (
    <MessagesContext value={tell}>
      {children}
      <Stack gap="xs" pos="fixed" bottom={16} right={16} maw="min(420px, 90vw)" role="status" style={{ zIndex: 500 }}>
        {messages.map(({ id, text, isError }) => (
          <Notification
            key={id}
            color={isError ? 'red' : 'green'}
            withBorder
            onClose={() => remove(id)}
            closeButtonProps={{ 'aria-label': 'Close the message' }}
          >
            {text}
          </Notification>
        ))}
      </Stack>
    </MessagesContext>
  );
}

/** Tells the person what happened. */
export function useTell(): Tell {
  return useContext(MessagesContext);
}
