import type { ImportRules } from './graph.ts';

const BELOW_PAIRINGS = ['planning', 'events', 'platform'];
const BELOW_REQUESTS = ['pairings', ...BELOW_PAIRINGS];
const BELOW_DISPATCH = ['outcomes', 'requests', ...BELOW_REQUESTS];
/** Every feature may use these. */
const BELOW_FEATURES = ['dispatch', 'conax', 'identifiers', 'http', 'users', ...BELOW_DISPATCH];
const FEATURES = ['features', 'operations', 'conax-tools', 'conax-checks'];
/** What a feature needs to define its operations. */
const DEFINITION = [
  'operations/operation.ts',
  'operations/fields.ts',
  'operations/actor.ts',
  'operations/outcome.ts',
  'operations/shown-request.ts',
];
/** For the files that put the service together. */
const SERVICE = ['web-api', 'operations-api', ...FEATURES, 'intake', ...BELOW_FEATURES];

/**
 * Which module of `src` may import which, types included. `npm run check` reports every other import, every circle between
 * files, and every exception that no longer occurs.
 */
export const IMPORT_RULES: ImportRules = {
  allowed: {
    platform: [],
    events: ['platform'],
    planning: ['events', 'platform'],
    pairings: BELOW_PAIRINGS,
    requests: BELOW_REQUESTS,
    outcomes: ['requests', ...BELOW_REQUESTS],
    soap: ['platform'],
    // What a call needs, and no more: the definition of the CAS is made by conax-checks, and handed over at start.
    conax: ['soap', 'planning/command.ts', 'platform'],
    'conax-checks': ['conax', 'soap', 'planning/command.ts', 'platform'],
    dispatch: ['conax', ...BELOW_DISPATCH],
    intake: BELOW_DISPATCH,
    identifiers: ['http', 'requests', ...BELOW_REQUESTS],
    users: ['platform'],
    http: ['users', 'requests/pin-key.ts', 'platform'],
    'web-api': ['http', 'users', 'identifiers', 'requests', ...BELOW_REQUESTS],
    operations: BELOW_FEATURES,
    features: [...DEFINITION, ...BELOW_FEATURES],
    // They process events as intake does.
    'features/import': ['intake'],
    'features/replay': ['intake'],
    'features/waiting-events': ['intake'],
    'conax-tools': ['conax-checks', 'conax', 'soap', 'planning/command.ts', 'platform'],
    'operations-api': [...FEATURES, ...BELOW_FEATURES],
    // The templates and what checks a message against them; not the client, which would agree with itself.
    simulator: [
      'conax/cas-definition.types.ts',
      'conax/field-names.ts',
      'conax/template.ts',
      'conax-checks/cas-definition.ts',
      'conax-checks/samples.ts',
      'conax-checks/wsdl-validator.ts',
      'soap',
      'planning/command.ts',
      'platform',
    ],
    'settings.ts': ['setting-contradictions.ts', 'platform'],
    'setting-contradictions.ts': ['platform'],
    'connections.ts': [
      'settings.ts',
      'conax-checks/cas-definition.ts',
      'conax/cas-definition.types.ts',
      'conax/client.ts',
      'platform',
    ],
    'health.ts': SERVICE,
    'clock.ts': SERVICE,
    'metrics.ts': ['connections.ts', 'health.ts', ...SERVICE],
    'work.ts': ['metrics.ts', 'settings.ts', 'health.ts', 'clock.ts', ...SERVICE],
    'service.ts': ['work.ts', 'metrics.ts', 'settings.ts', 'connections.ts', 'health.ts', ...SERVICE],
    commands: [
      'service.ts',
      'settings.ts',
      'connections.ts',
      'operations-api',
      'simulator',
      ...FEATURES,
      ...BELOW_FEATURES,
    ],
    'cli.ts': ['commands', 'platform'],
  },
  allowedOutside: ['package.json', 'migrations/follow-ups/backfills.ts', 'migrations/follow-ups/indexes.ts'],
  // Both lists must become empty: do not add to them.
  exceptions: [],
  circles: [],
};
