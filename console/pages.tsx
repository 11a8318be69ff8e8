import { Text, Title } from '@mantine/core';
import { type ComponentType, lazy } from 'react';
import { Route, Switch } from 'wouter';

/** A page's code is loaded when somebody opens the page. */
function page<K extends string>(load: () => Promise<Record<K, ComponentType>>, name: K) {
  return lazy(async () => ({ default: (await load())[name] }));
}

const ROUTES: readonly [string, ComponentType][] = [
  ['/', page(() => import('./pages/overview.tsx'), 'OverviewPage')],
  ['/why', page(() => import('./pages/why.tsx'), 'WhyPage')],
  ['/why/:of', page(() => import('./pages/why.tsx'), 'WhyPage')],
  ['/requests', page(() => import('./pages/requests.tsx'), 'RequestsPage')],
  ['/requests/:number', page(() => import('./pages/request.tsx'), 'RequestPage')],
  ['/events', page(() => import('./pages/events.tsx'), 'EventsPage')],
  ['/events/:id', page(() => import('./pages/event.tsx'), 'EventPage')],
  ['/runs', page(() => import('./pages/runs.tsx'), 'RunsPage')],
  ['/runs/new', page(() => import('./pages/new-run.tsx'), 'NewRunPage')],
  ['/runs/:id', page(() => import('./pages/run.tsx'), 'RunPage')],
  ['/queue', page(() => import('./pages/queue.tsx'), 'QueuePage')],
  ['/queue/new', page(() => import('./pages/new-queue-entry.tsx'), 'NewQueueEntryPage')],
  ['/schedules', page(() => import('./pages/schedules.tsx'), 'SchedulesPage')],
  ['/schedules/new', page(() => import('./pages/new-schedule.tsx'), 'NewSchedulePage')],
  ['/schedules/:name', page(() => import('./pages/schedule.tsx'), 'SchedulePage')],
  ['/reconcile', page(() => import('./pages/reconcile.tsx'), 'ReconcilePage')],
  ['/replays', page(() => import('./pages/replays.tsx'), 'ReplaysPage')],
  ['/replays/new', page(() => import('./pages/new-replay.tsx'), 'NewReplayPage')],
  ['/replays/:id', page(() => import('./pages/replay.tsx'), 'ReplayPage')],
  ['/provider', page(() => import('./pages/provider.tsx'), 'ProviderPage')],
  ['/users', page(() => import('./pages/users.tsx'), 'UsersPage')],
  ['/audit', page(() => import('./pages/audit.tsx'), 'AuditPage')],
];

/** The page of the present address. */
export function Pages() {
  return (
    <Switch>
      {ROUTES.map(([path, component]) => (
        <Route key={path} path={path} component={component} />
      ))}
      <Route>
        <Title order={1}>No such page</Title>
        <Text>Use the search or the menu.</Text>
      </Route>
    </Switch>
  );
}
