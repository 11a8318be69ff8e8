import type { Feature } from '../operations/operation.ts';
import { overview } from './overview/overview.ts';
import { audit } from './audit/audit.ts';
import { provider } from './provider/provider.ts';
import { queue } from './queue/queue.ts';
import { reconcile } from './reconcile/reconcile.ts';
import { replay } from './replay/replay.ts';
import { requests } from './requests/requests.ts';
import { resync } from './resync/resync.ts';
import { retention } from './retention/retention.ts';
import { runs } from './runs/runs.ts';
import { schedules } from './schedules/schedules.ts';
import { users } from './users/users.ts';
import { info } from './utilities/info.ts';
import { pair } from './utilities/pair.ts';
import { pin } from './utilities/pin.ts';
import { fingerprint, message } from './utilities/screens.ts';
import { waitingEvents } from './waiting-events/waiting-events.ts';
import { why } from './why/why.ts';

/** Every feature whose operations are defined once. The others are in `src/operations-api` and `src/commands`. */
export const FEATURES: readonly Feature[] = [
  audit,
  fingerprint,
  info,
  message,
  overview,
  pair,
  pin,
  provider,
  queue,
  reconcile,
  replay,
  requests,
  resync,
  retention,
  runs,
  schedules,
  users,
  waitingEvents,
  why,
];
