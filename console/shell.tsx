import {
  ActionIcon,
  Alert,
  AppShell,
  Burger,
  Button,
  Group,
  Loader,
  NavLink,
  Text,
  TextInput,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { useDisclosure, useHotkeys } from '@mantine/hooks';
import { Component, type ReactNode, Suspense, useEffect, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { ApiError, type CallName, mayCall } from './api/client.ts';
import { Pages } from './pages.tsx';
import { Failed } from './parts/states.tsx';
import { useCall } from './api/use-call.ts';
import { Link as PageLink } from './parts/link.tsx';
import { useLogout, useSession } from './session.tsx';

const PAUSED_EVERY_MS = 10_000;
const PAGES: readonly { to: string; label: string; call: CallName; key: string }[] = [
  { to: '/', label: 'Overview', call: 'overview', key: 'o' },
  { to: '/why', label: 'Why', call: 'why', key: 'w' },
  { to: '/requests', label: 'Requests', call: 'requests.list', key: 'r' },
  { to: '/events', label: 'Events', call: 'events.list', key: 'e' },
  { to: '/runs', label: 'Runs', call: 'runs.list', key: 'u' },
  { to: '/queue', label: 'Message queue', call: 'queue.list', key: 'q' },
  { to: '/schedules', label: 'Schedules', call: 'schedules.list', key: 's' },
  { to: '/reconcile', label: 'Reconcile', call: 'runs.list', key: 'c' },
  { to: '/replays', label: 'Replays', call: 'replay.list', key: 'y' },
  { to: '/provider', label: 'Provider', call: 'provider.status', key: 'p' },
  { to: '/users', label: 'Users', call: 'users.list', key: 'm' },
  { to: '/audit', label: 'Audit', call: 'audit.list', key: 'a' },
];

/** The frame of all pages: search, menu, who is logged in. */
export function Shell() {
  const [opened, { toggle, close }] = useDisclosure(false);
  const { role } = useSession();
  const [path, navigate] = useLocation();
  const pages = PAGES.filter(({ call }) => mayCall(role, call));
  useHotkeys(pages.map(({ to, key }) => [`alt+${key}`, () => navigate(to)]));
  useEffect(() => {
    close();
    const page = PAGES.find(({ to }) => isAt(path, to));
    document.title = `${page?.label ?? 'Page'} · Conax provisioning`;
  }, [path, close]);
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 200, breakpoint: 'sm', collapsed: { mobile: !opened } }}
      padding="md"
    >
      <a href="#page" className="skip-link">
        To the page
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" wrap="nowrap">
          <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Menu" aria-expanded={opened} />
          <Text fw={600} visibleFrom="sm" w={176}>
            Conax provisioning
          </Text>
          <Search />
          <ColorScheme />
          <Account />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label="Pages" style={{ overflowY: 'auto' }}>
        {pages.map(({ to, label, key }) => (
          <NavLink
            key={to}
            component={Link}
            href={to}
            label={label}
            active={isAt(path, to)}
            {...(isAt(path, to) ? { 'aria-current': 'page' as const } : {})}
            aria-keyshortcuts={`Alt+${key.toUpperCase()}`}
            title={`Alt+${key.toUpperCase()}`}
          />
        ))}
        <NavLink href="/docs" target="_blank" rel="noreferrer" label="API documents" mt="auto" />
      </AppShell.Navbar>
      <AppShell.Main id="page" tabIndex={-1}>
        {path !== '/' && path !== '/provider' && <Paused />}
        <PageErrors key={path}>
          <Suspense fallback={<Loader aria-label="Loading" />}>
            <Pages />
          </Suspense>
        </PageErrors>
      </AppShell.Main>
    </AppShell>
  );
}

function isAt(path: string, to: string): boolean {
  return to === '/' ? path === '/' : path === to || path.startsWith(`${to}/`);
}

/** Says on every page that nothing is sent, so that nobody waits for an effect. */
function Paused() {
  const { data } = useCall('provider.status', {}, { every: PAUSED_EVERY_MS });
  if (data === undefined || !data.paused) return null;
  return (
    <Alert color="red" mb="md" role="note" title="Sending is paused">
      <Text size="sm" className="breaks">
        By {data.paused_by}: {data.paused_reason}. What you start waits until an admin resumes{' '}
        <PageLink to="/provider">the provider</PageLink>.
      </Text>
    </Alert>
  );
}

/** Shows what broke a page, and leaves search and menu usable. */
class PageErrors extends Component<{ children: ReactNode }, { problem: string | null }> {
  override state = { problem: null };

  static getDerivedStateFromError(error: unknown): { problem: string } {
    return { problem: error instanceof Error ? error.message : String(error) };
  }

  override render(): ReactNode {
    const { problem } = this.state;
    if (problem === null) return this.props.children;
    return <Failed error={new ApiError('PAGE_FAILED', problem)} onAgain={() => location.reload()} />;
  }
}

/** Any number that a customer reads out leads to the why page. `/` jumps here from everywhere. */
function Search() {
  const [text, setText] = useState('');
  const field = useRef<HTMLInputElement>(null);
  const [, navigate] = useLocation();
  useHotkeys([
    ['/', () => field.current?.focus()],
    ['mod+k', () => field.current?.focus()],
  ]);
  return (
    <form
      role="search"
      style={{ flex: 1 }}
      onSubmit={(event) => {
        event.preventDefault();
        const of = text.trim();
        if (of === '') return;
        navigate(`/why/${encodeURIComponent(of)}`);
        setText('');
        field.current?.blur();
      }}
    >
      <TextInput
        ref={field}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        type="search"
        placeholder="Card, box, subscription, request, action …"
        aria-label="Search any number"
        aria-keyshortcuts="/ Control+K"
        maw={480}
      />
    </form>
  );
}

function ColorScheme() {
  const { setColorScheme } = useMantineColorScheme();
  const shown = useComputedColorScheme('light');
  const other = shown === 'dark' ? 'light' : 'dark';
  return (
    <ActionIcon variant="default" size="lg" onClick={() => setColorScheme(other)} aria-label={`Use ${other} colours`}>
      {shown === 'dark' ? '☀' : '☾'}
    </ActionIcon>
  );
}

function Account() {
  const { username, role } = useSession();
  const logout = useLogout();
  return (
    <>
      <Text size="sm" visibleFrom="md" style={{ whiteSpace: 'nowrap' }} title={`Logged in as ${username}, ${role}`}>
        {username}, {role}
      </Text>
      <Button variant="default" onClick={logout} px="xs" style={{ flexShrink: 0 }}>
        Log out
      </Button>
    </>
  );
}
