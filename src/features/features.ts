import type { Feature } from '../operations/operation.ts';
import { provider } from './provider/provider.ts';
import { queue } from './queue/queue.ts';
import { requests } from './requests/requests.ts';
import { retention } from './retention/retention.ts';
import { schedules } from './schedules/schedules.ts';
import { users } from './users/users.ts';

/** Every feature whose operations are defined once. The others are in `src/operations-api` and `src/commands`. */
export const FEATURES: readonly Feature[] = [provider, queue, requests, retention, schedules, users];
