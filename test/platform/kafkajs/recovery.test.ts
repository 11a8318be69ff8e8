import { expect, test } from 'vitest';
import kafkajs from '../../../src/platform/kafkajs/index.ts';
import { internal } from '../../../src/platform/kafkajs/internals.ts';

test('the heartbeat of a consumer that the group removed fails, so that it joins again', async () => {
  const { prototype } = internal<{ prototype: { heartbeat(options: object): Promise<void> } }>(
    'consumer/consumerGroup.js',
  );
  const removed = Object.assign(Object.create(prototype) as typeof prototype, { memberId: null });
  const heartbeat = removed.heartbeat({ interval: 1 });
  await expect(heartbeat).rejects.toBeInstanceOf(kafkajs.KafkaJSProtocolError);
  await expect(heartbeat).rejects.toMatchObject({ type: 'UNKNOWN_MEMBER_ID' });
});
