import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../dev/stack/ports.ts';
import type { Random } from '../support/random.ts';
import { type Ended, type Instance, startInstance } from './instances.ts';

/** One instance behind the balancer. */
export interface Member {
  /** What it runs: this code, or that of the previous release. */
  readonly version: 'old' | 'new';
  readonly instance: Instance;
  readonly url: string;
}

/** A call that an instance did not answer as it should. */
export interface Failure {
  readonly version: Member['version'];
  readonly path: string;
  /** The status, or why there is none. */
  readonly problem: string;
  /** Whether the instance was killed while it had the call. */
  readonly killed: boolean;
}

/** Instances of two versions, and a balancer that gives calls to those that are ready. */
export interface Fleet {
  readonly members: readonly Member[];
  readonly failures: readonly Failure[];
  readonly kills: Readonly<Record<Member['version'], number>>;
  /** How many calls were answered, by version. */
  readonly answered: Readonly<Record<Member['version'], number>>;
  /** How the instances ended that were told to stop. */
  readonly stops: readonly Ended[];
  /** Resolves when the new instance is ready and gets calls. */
  start(version: Member['version']): Promise<void>;
  /** Takes an instance out of the rotation, lets it finish its calls, and ends it. */
  stop(member: Member): Promise<void>;
  kill(member: Member): Promise<void>;
  /** Gives the call to an instance; to another one, unchanged, if the first is killed meanwhile or fails. */
  call(path: string, init?: RequestInit): Promise<{ readonly data: unknown }>;
}

const READY_MS = 60_000;
const LOOK_MS = 50;
const TRIES_MAX = 100;

/** @param processes the file that runs an instance of each version. */
export function openFleet(
  env: Readonly<Record<string, string>>,
  processes: Readonly<Record<Member['version'], string>>,
  random: Random,
): Fleet {
  const members: Member[] = [];
  const killed = new Set<Member>();
  const failures: Failure[] = [];
  const kills = { old: 0, new: 0 };
  const answered = { old: 0, new: 0 };
  const stops: Ended[] = [];
  const underWay = new Map<Member, Set<Promise<unknown>>>();

  return {
    members,
    failures,
    kills,
    answered,
    stops,
    async start(version) {
      const port = await freePort();
      const instance = startInstance({ ...env, HTTP_PORT: String(port) }, { process: processes[version] });
      const member = { version, instance, url: `http://127.0.0.1:${port}` };
      await untilReady(member);
      members.push(member);
    },
    async stop(member) {
      leave(member);
      await Promise.all(underWay.get(member) ?? new Set<Promise<unknown>>());
      member.instance.signal('SIGTERM');
      stops.push(await member.instance.ended);
    },
    async kill(member) {
      killed.add(member);
      kills[member.version] += 1;
      member.instance.signal('SIGKILL');
      await member.instance.ended;
      leave(member);
    },
    async call(path, init) {
      for (let tries = 0; tries < TRIES_MAX; tries += 1) {
        const member = random.pick(members);
        const asking = ask(member, path, init);
        const calls = underWay.get(member) ?? new Set();
        underWay.set(member, calls.add(asking));
        const answer = await asking;
        calls.delete(asking);
        if (answer !== undefined) return answer;
        await pause(LOOK_MS);
      }
      throw new Error(`No instance answers ${path}: ${JSON.stringify(failures.slice(-3))}`);
    },
  };

  function leave(member: Member): void {
    const place = members.indexOf(member);
    if (place >= 0) members.splice(place, 1);
  }

  /** The answer; undefined: there is none, or it is a 5xx. */
  async function ask(member: Member, path: string, init?: RequestInit): Promise<{ data: unknown } | undefined> {
    try {
      const response = await fetch(`${member.url}${path}`, init);
      const text = await response.text();
      if (response.status >= 500) throw new Error(`${response.status}: ${text}`);
      if (!response.ok) throw new Error(`${path} is refused with ${response.status}: ${text}`);
      answered[member.version] += 1;
      return JSON.parse(text) as { data: unknown };
    } catch (error) {
      const { message, cause } = error as Error;
      const problem = `${message} ${cause instanceof Error ? cause.message : ''}`.trim();
      failures.push({ version: member.version, path, problem, killed: killed.has(member) });
      return undefined;
    }
  }

  async function untilReady({ url, version, instance }: Pick<Member, 'url' | 'version' | 'instance'>): Promise<void> {
    const end = performance.now() + READY_MS;
    let over: Ended | undefined;
    void instance.ended.then((ended) => (over = ended));
    while (performance.now() < end) {
      const response = await fetch(`${url}/health/ready`).catch(() => null);
      if (response?.ok === true) return;
      if (over !== undefined) throw new Error(`An ${version} instance ended by itself: ${over.code} ${over.log}`);
      await pause(LOOK_MS);
    }
    throw new Error(`An ${version} instance is not ready after ${READY_MS} ms`);
  }
}
