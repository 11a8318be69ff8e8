import { Button, Center, Container, Loader, Paper, PasswordInput, Stack, TextInput, Title } from '@mantine/core';
import { type QueryClient, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useState } from 'react';
import { ApiError, callApi, forgetAnswers, type Input, type Output } from './api/client.ts';
import { Failed } from './parts/states.tsx';

export type Session = Output<'session.show'>;

const SessionContext = createContext<Session | null>(null);
/** Finds out that the session ended while nobody acts. */
const LOOK_MS = 30_000;

/** Shows the login until somebody is logged in, and again after the session ended. The page's address stays. */
export function SessionProvider({ children }: { children: ReactNode }) {
  const { data, error, isPending, refetch } = useQuery<Session | null, ApiError>({
    queryKey: ['session'],
    queryFn: () =>
      callApi('session.show', {}).catch((failure: unknown) => {
        if (failure instanceof ApiError && failure.isLoggedOut) return null;
        throw failure;
      }),
    refetchInterval: LOOK_MS,
  });
  if (data === null) return <Login />;
  if (data !== undefined) return <SessionContext value={data}>{children}</SessionContext>;
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

/** Ends the session in the service and forgets what was read. */
export function useLogout(): () => void {
  const queries = useQueryClient();
  return () => {
    void callApi('session.end', {}).finally(() => {
      begin(queries, null);
      void queries.invalidateQueries({ queryKey: ['session'] });
    });
  };
}

/** Begins a session, or the time without one: what was read for the former one is forgotten. */
function begin(queries: QueryClient, session: Session | null): void {
  forgetAnswers();
  // Not all of them: the login shows only if the query that is on the screen changes.
  queries.removeQueries({ predicate: ({ queryKey: [name] }) => name !== 'session' });
  queries.setQueryData(['session'], session);
}

function Login() {
  const queries = useQueryClient();
  const [given, setGiven] = useState<Input<'session.start'>>({ username: '', password: '', organisation: '' });
  const { mutate, isPending, error } = useMutation<Session, ApiError>({
    mutationFn: () => callApi('session.start', given),
    onSuccess: (session) => begin(queries, session),
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
