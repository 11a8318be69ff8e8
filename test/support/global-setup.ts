/**
 * Gives a test run the servers that it needs, and none that it does not: a part of the local stack is started when the
 * first test file asks for it, stays for the whole run, and is stopped after it.
 *
 * Test files run in processes of their own, so they ask over HTTP on 127.0.0.1 (`stack-door.ts`). With
 * `CONAX_TEST_STACK=none` every such question is refused, which shows which tests need no server.
 */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startStack, type PartName, type Stack } from '../../dev/stack/index.ts';
import { migrateDatabase } from '../../src/platform/migrate.ts';

/** What the door answers for a part. `template` is a migrated database to copy, for PostgreSQL only. */
export type PartAnswer = { readonly url: string; readonly template?: string };

type Opened = { readonly stack: Stack; readonly answer: PartAnswer };

declare module 'vitest' {
  // eslint-disable-next-line typescript/consistent-type-definitions -- vitest's interface is extended by declaring it
  export interface ProvidedContext {
    /** Where `stack-door.ts` asks; the part's name is the path. */
    stackDoor: string;
  }
}

const openers: Readonly<Record<PartName, () => Promise<Opened>>> = {
  postgres: async () => {
    const stack = await startStack({ parts: ['postgres'], print: console.log });
    try {
      const template = `conax_template_${randomBytes(6).toString('hex')}`;
      await query(stack.databaseUrl, `create database ${template}`);
      const url = new URL(stack.databaseUrl);
      url.pathname = `/${template}`;
      await migrateDatabase(url.href);
      return { stack, answer: { url: stack.databaseUrl, template } };
    } catch (error) {
      await stack.stop();
      throw error;
    }
  },
  kafka: async () => {
    const stack = await startStack({ parts: ['kafka'], print: console.log });
    return { stack, answer: { url: stack.kafkaBrokers } };
  },
  registry: async () => {
    const stack = await startStack({ parts: ['registry'], print: console.log });
    return { stack, answer: { url: stack.schemaRegistryUrl } };
  },
};

/** Called by vitest once before the test files; what it returns is called once after them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const opened = new Map<PartName, Promise<Opened>>();
  const open = async (name: PartName): Promise<Opened> => {
    if (process.env['CONAX_TEST_STACK'] === 'none') {
      throw new Error(`This test needs ${name}, and CONAX_TEST_STACK=none says to start nothing: unset it.`);
    }
    const found = opened.get(name) ?? openers[name]();
    opened.set(name, found);
    return found;
  };

  const door = createServer((request, response) => {
    const name = request.url?.slice(1) as PartName;
    open(name).then(
      ({ answer }) => response.end(JSON.stringify(answer)),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error)),
    );
  });
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  project.provide('stackDoor', `http://127.0.0.1:${(door.address() as AddressInfo).port}`);

  return async () => {
    door.close();
    door.closeAllConnections();
    const results = await Promise.allSettled(opened.values());
    await Promise.all(results.filter((one) => one.status === 'fulfilled').map((one) => close(one.value)));
  };
}

async function close({ stack, answer }: Opened): Promise<void> {
  // A server that the environment named goes on after the run, and should go on as it was.
  if (answer.template !== undefined && stack.parts[0]?.how === 'given') {
    await query(answer.url, `drop database ${answer.template}`);
  }
  await stack.stop();
}

async function query(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
