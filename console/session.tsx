import { Button, Center, Container, Loader, Paper, PasswordInput, Stack, TextInput, Title } from '@mantine/core';
import { type QueryClient, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useState } from 'react';
import { ApiError, callApi, forgetAnswers, type Input, type Output } from './api/client.ts';
import { useTell } from './parts/messages.tsx';
import { Failed } from './parts/states.tsx';

export type Session = Output<'session.show'>;

const SessionContext = createContext<Session | null>(null);
/** Finds out that the session ended while nobody acts. */
const LOOK_MS = 30_000;
/** Whose answers are kept. */
let reader = '';

/** Another person, or the same one with another role, finds nothing of what was read before. */
function admit(queries: QueryClient, session: Session): Session {
  const person = personOf(session);
  if (person !== reader) forgetAll(queries);
  reader = person;
  return session;
}

function forgetAll(queries: QueryClient): void {
  forgetAnswers();
  queries.removeQueries({ predicate: ({ queryKey: [name] }) => name !== 'session' });
}

function personOf({ username, role }: Session): string {
  return `${username} ${role}`;
}

/**
 * Shows the login until somebody is logged in, and again after the session ended. The page's address stays. If another
 * person has logged in, also in another tab, the console reads everything again.
 */
export function SessionProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const { data, error, isPending, refetch } = useQuery<Session | null, ApiError>({
    queryKey: ['session'],
    queryFn: () =>
      callApi('session.show', {}).then(
        (session) => admit(queries, session),
        (failure: unknown) => {
          if (failure instanceof ApiError && failure.isLoggedOut) return null;
          throw failure;
        },
      ),
    refetchInterval: LOOK_MS,
  });
  if (data === null) return <Login />;
  if (data !== undefined) {
    return (
      <SessionContext key={personOf(data)} value={data}>
        {children}
      </SessionContext>
    );
  }
  return (
    <Center mih="60vh">
      {isPending ? <Loader aria-label="Loading" /> : <Failed error={error} onAgain={() => void refetch()} />}
    </Center>
  );
}

/** Who is logged in. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error('useSession was called outside of a session');
  return session;
}

/** Ends the session in the service and forgets what was read. If the service does not end it, a message says so. */
export function useLogout(): () => void {
  const queries = useQueryClient();
  const tell = useTell();
  const { mutate } = useMutation<unknown, ApiError>({
    mutationFn: () => callApi('session.end', {}),
    onSuccess() {
      forgetAll(queries);
      queries.setQueryData(['session'], null);
    },
    onError: ({ message }) => tell(`You are still logged in. ${message}`, { isError: true }),
  });
  return mutate;
}

function Login() {
  const queries = useQueryClient();
  const [given, setGiven] = useState<Input<'session.start'>>({ username: '', password: '', organisation: '' });
  const { mutate, isPending, error } = useMutation<Session, ApiError>({
    mutationFn: () => callApi('session.start', given),
    async onSuccess(session) {
      // One that is under way still says that nobody is logged in.
      await queries.cancelQueries({ queryKey: ['session'] });
      queries.setQueryData(['session'], admit(queries, session));
    },
  });
  const field = (name: keyof typeof given, label: string, autoComplete: string) => ({
    label,
    name,
    autoComplete,
    required: true,
    value: given[name] ?? '',
    onChange: (event: { currentTarget: { value: string } }) =>
      setGiven({ ...given, [name]: event.currentTarget.value }),
  });
  return (
    <Container component="main" size={400} py={80}>
      <Paper withBorder p="lg" radius="md">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            mutate();
          }}
        >
          <Stack>
            <Title order={1} size="h3">
              Conax provisioning
            </Title>
            <TextInput {...field('username', 'User name', 'username')} data-autofocus autoFocus />
            <PasswordInput {...field('password', 'Password', 'current-password')} />
            <TextInput {...field('organisation', 'Organisation', 'organization')} />
            {error !== null && <Failed error={error} />}
            <Button type="submit" loading={isPending}>
              Log in
            </Button>
          </Stack>
        </form>
      </Paper>
    </Container>
  );
}
