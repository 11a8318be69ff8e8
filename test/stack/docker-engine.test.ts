import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { dockerEngineAnswers } from '../../dev/stack/containers.ts';
import { startStack } from '../../dev/stack/index.ts';

/** Where a real engine is, testcontainers finds it behind the broken one. */
const realEngine = await dockerEngineAnswers({});

/** An engine that is up, and can do nothing: it cannot even describe itself. */
let engine: Server;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'engine-'));
  engine = createServer((request, response) => {
    response.writeHead(request.url === '/_ping' ? 200 : 500).end();
  });
  await new Promise<void>((resolve) => engine.listen(join(directory, 'docker.sock'), resolve));
});
afterAll(() => {
  engine.close();
  rmSync(directory, { recursive: true });
});

describe('the look for a Docker engine', () => {
  it('finds one that answers on the socket that DOCKER_HOST names', async () => {
    expect(await dockerEngineAnswers({ DOCKER_HOST: `unix://${directory}/docker.sock` })).toBe(true);
  });

  it.each([
    ['a socket that is not there', 'unix:///nowhere/docker.sock'],
    ['a port where nobody listens', 'tcp://127.0.0.1:9'],
    ['something that is no address', 'nonsense'],
  ])('finds none at %s', async (_where, address) => {
    expect(await dockerEngineAnswers({ DOCKER_HOST: address })).toBe(false);
  });

  it.skipIf(realEngine)(
    'goes on with a native process when the engine answers but cannot start a container',
    async () => {
      vi.stubEnv('DOCKER_HOST', `unix://${directory}/docker.sock`);
      const lines: string[] = [];
      const stack = await startStack({
        parts: ['postgres'],
        env: { ...process.env, DATABASE_URL: '' },
        print: (line) => lines.push(line),
      });
      try {
        expect(lines[0]).toMatch(/^postgres: no container: .*; trying a native process$/);
        expect(stack.parts[0]?.how).toBe('native');
      } finally {
        await stack.stop();
      }
    },
  );
});
