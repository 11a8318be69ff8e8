import { Text, Title } from '@mantine/core';
import { type ComponentType, lazy } from 'react';
import { Route, Switch } from 'wouter';
import { type CallName, mayCall } from './api/client.ts';
import { useSession } from './session.tsx';

/** A page's code is loaded when somebody opens the page. */
function page<K extends string>(load: () => Promise<Record<K, ComponentType>>, name: K) {
  return lazy(async () => ({ default: (await load())[name] }));
}

/** Addresses, their pages, and the call that a page is there for, if not every role may make it. */
const ROUTES: readonly [string, ComponentType, CallName?][] = [
  ['/', page(() => import('./pages/overview.tsx'), 'OverviewPage')],
  ['/why', page(() => import('./pages/why.tsx'), 'WhyPage')],
  ['/why/:of', page(() => import('./pages/why.tsx'), 'WhyPage')],
  ['/requests', page(() => import('./pages/requests.tsx'), 'RequestsPage')],
  ['/requests/:number', page(() => import('./pages/request.tsx'), 'RequestPage')],
  ['/events', page(() => import('./pages/events.tsx'), 'EventsPage')],
  ['/events/:id', page(() => import('./pages/event.tsx'), 'EventPage')],
  ['/runs', page(() => import('./pages/runs.tsx'), 'RunsPage')],
  ['/runs/new', page(() => import('./pages/new-run.tsx'), 'NewRunPage'), 'runs.start'],
  ['/runs/:id', page(() => import('./pages/run.tsx'), 'RunPage')],
  ['/queue', page(() => import('./pages/queue.tsx'), 'QueuePage')],
  ['/queue/new', page(() => import('./pages/new-queue-entry.tsx'), 'NewQueueEntryPage'), 'queue.add'],
  ['/schedules', page(() => import('./pages/schedules.tsx'), 'SchedulesPage')],
  ['/schedules/new', page(() => import('./pages/new-schedule.tsx'), 'NewSchedulePage'), 'schedules.add'],
  ['/schedules/:name', page(() => import('./pages/schedule.tsx'), 'SchedulePage')],
  ['/reconcile', page(() => import('./pages/reconcile.tsx'), 'ReconcilePage')],
  ['/replays', page(() => import('./pages/replays.tsx'), 'ReplaysPage')],
  ['/replays/new', page(() => import('./pages/new-replay.tsx'), 'NewReplayPage'), 'replay.plan'],
  ['/replays/:id', page(() => import('./pages/replay.tsx'), 'ReplayPage')],
  ['/provider', page(() => import('./pages/provider.tsx'), 'ProviderPage')],
  ['/users', page(() => import('./pages/users.tsx'), 'UsersPage'), 'users.list'],
  ['/audit', page(() => import('./pages/audit.tsx'), 'AuditPage'), 'audit.list'],
];

/** The page of the present address. */
export function Pages() {
  const { role } = useSession();
  return (
    <Switch>
      {ROUTES.map(([path, component, call]) => (
        <Route key={path} path={path} component={call === undefined || mayCall(role, call) ? component : NotForRole} />
      ))}
      <Route>
        <Title order={1}>No such page</Title>
        <Text>Use the search or the menu.</Text>
      </Route>
    </Switch>
  );
}

/** For somebody who got the address from a colleague. */
function NotForRole() {
  const { role } = useSession();
  return (
    <>
      <Title order={1}>Not for your role</Title>
      <Text>The role {role} may not do what this page is for. Ask somebody who may, or an admin for another role.</Text>
    </>
  );
}
