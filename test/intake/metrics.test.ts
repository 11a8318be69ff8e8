import { Registry } from '@prometheus-io/client';
import { expect, test } from 'vitest';
import type { Decision } from '../../src/intake/fold.ts';
import { intakeMetrics } from '../../src/intake/metrics.ts';

test('action types that a CRM makes up without end are counted all the same, and told apart up to fifty', async () => {
  const registry = new Registry();
  const metrics = intakeMetrics(registry);
  const unknown = (type: string): Decision =>
    ({
      disposition: 'NOTHING_TO_DO',
      remarks: [],
      plan: { unknownAction: true },
      event: { family: 'SERVICE', writerType: type },
    }) as unknown as Decision;
  metrics.decided(Array.from({ length: 1_000 }, (_, index) => unknown(`TYPE_${index}`)));
  metrics.decided([unknown('TYPE_7'), unknown('TYPE_700')]);
  const samples = (await registry.metrics()).match(/^conax_intake_unknown_actions_total\{.*$/gm) ?? [];
  expect(samples).toHaveLength(51);
  expect(samples).toContain('conax_intake_unknown_actions_total{family="SERVICE",type="TYPE_7"} 2');
  expect(samples).toContain('conax_intake_unknown_actions_total{family="SERVICE",type="other"} 951');
});
