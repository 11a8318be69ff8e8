import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { downloaded, type Download } from '../../../dev/stack/download.ts';
import { findJava, type Java, LEAN_JVM } from '../../../dev/stack/java.ts';
import { freePort } from '../../../dev/stack/ports.ts';
import { runSupervised, superviseUntilReady } from '../../../dev/stack/supervised.ts';

const CXF_VERSION = '4.1.3';
const SOURCES = join(import.meta.dirname, 'java');
const CACHE = join(import.meta.dirname, '../../../node_modules/.cache/conax-provisioning');

/** Parts of WSS4J that check SAML tokens, which no test sends; not every mirror has them. */
const WITHOUT = ['org.opensaml:*', 'org.ehcache:*'].map((name) => {
  const [group, artifact] = name.split(':');
  return `<exclusion><groupId>${group}</groupId><artifactId>${artifact}</artifactId></exclusion>`;
});

const CXF: Download = {
  title: `Apache CXF ${CXF_VERSION}`,
  directory: `cxf-${CXF_VERSION}`,
  wanted: {
    dependencies: ['cxf-rt-frontend-jaxws', 'cxf-rt-transports-http-jetty', 'cxf-rt-ws-security']
      .map(
        (artifact) => `
    <dependency><groupId>org.apache.cxf</groupId><artifactId>${artifact}</artifactId><version>${CXF_VERSION}</version>
      <exclusions>${WITHOUT.join('')}</exclusions></dependency>`,
      )
      .join(''),
  },
  prepare: () => Promise.resolve(),
};

/** An element as a CAS on CXF read it; names are `{namespace}local`. */
export interface ReadElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text?: string;
  readonly children?: readonly ReadElement[];
}

/** One call that a WSDL-first CAS took; it takes none that its schemas do not allow. */
export interface ReadCall {
  readonly operation: string;
  readonly headers: readonly ReadElement[];
  readonly body: readonly ReadElement[];
}

/** CASs on Apache CXF, in a process of their own. Paths start with `/`. */
export interface CxfServers {
  /** Where the CASs are; their paths follow. */
  readonly url: string;
  /** Opens a WSDL-first CAS. The parameters are those of java/servers/WsdlFirst.java. @throws with CXF's reason when it cannot use the WSDL. */
  publish(path: string, parameters: Readonly<Record<string, string>>): Promise<void>;
  /** Sets the body element with which a WSDL-first CAS answers an operation. Without one its answers have no body element. */
  answer(path: string, operation: string, element: string): Promise<void>;
  /** What a CAS received since the last question, as CXF read it. The code-first CAS is at `/harbour`. */
  received(path: string): Promise<readonly unknown[]>;
  close(): Promise<void>;
}

/** Starts CXF, for which Maven fetches the jars once; its own classes are compiled when they have changed. */
export async function startCxf(): Promise<CxfServers> {
  const java = await findJava(process.env);
  if (java === undefined) throw new Error('Apache CXF needs Java: install Java 17 or newer, with its compiler.');
  const jars = await downloaded(CXF, process.env, console.log);
  const classPath = [await compiled(java, jars), join(jars, '*')].join(delimiter);
  const [controlPort, port] = [await freePort(), await freePort()];
  const control = `http://127.0.0.1:${controlPort}`;
  const logs = await mkdtemp(join(CACHE, 'cxf-run-'));
  const server = await superviseUntilReady(
    'Apache CXF',
    {
      command: java.command,
      // Without "nodelay" each answer of the control server waits 40 ms for the client's acknowledgement.
      args: [
        ...LEAN_JVM,
        '-Dsun.net.httpserver.nodelay=true',
        '-cp',
        classPath,
        'servers.CxfServers',
        String(controlPort),
        String(port),
      ],
      logFile: join(logs, 'cxf.log'),
      orphanSignal: 'SIGKILL',
      removeWhenOrphaned: [logs],
    },
    async () => {
      await fetch(control);
    },
    60_000,
  );

  async function ask(method: string, action: string, query: Readonly<Record<string, string>>, body?: string) {
    const address = `${control}/${action}?${new URLSearchParams(query).toString()}`;
    const response = await fetch(address, { method, ...(body === undefined ? {} : { body }) });
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return text;
  }

  return {
    url: `http://127.0.0.1:${port}`,
    publish: async (path, parameters) => {
      await ask('POST', 'publish', { path, ...parameters });
    },
    answer: async (path, operation, element) => {
      await ask('PUT', 'answer', { path, operation }, element);
    },
    received: async (path) => {
      const lines = (await ask('POST', 'take', { path })).split('\n').filter((line) => line !== '');
      return lines.map((line) => JSON.parse(line) as unknown);
    },
    close: async () => {
      await server.stop('SIGKILL', 0);
      await rm(logs, { recursive: true });
    },
  };
}

/** The directory of the compiled servers, named after what they were compiled from. It appears whole, by one rename. */
async function compiled(java: Java, jars: string): Promise<string> {
  const sources = (await readdir(SOURCES, { recursive: true }))
    .filter((name) => name.endsWith('.java'))
    .map((name) => join(SOURCES, name))
    .toSorted();
  const hash = createHash('sha256').update(`${CXF_VERSION} ${java.version}`);
  for (const file of sources) hash.update(await readFile(file));
  const target = join(CACHE, `cxf-servers-${hash.digest('hex').slice(0, 16)}`);
  await mkdir(CACHE, { recursive: true });
  if (existsSync(target)) return target;
  const work = await mkdtemp(`${target}-`);
  try {
    // The compiler, run as a module of the Java that was found, knows no wildcards in a class path.
    const classPath = (await readdir(jars)).map((file) => join(jars, file)).join(delimiter);
    const compiler = ['-m', 'jdk.compiler/com.sun.tools.javac.Main', '--release=17', '-encoding', 'UTF-8'];
    await runSupervised('the compilation of the CASs on Apache CXF', {
      command: java.command,
      args: [...LEAN_JVM, ...compiler, '-cp', classPath, '-d', join(work, 'classes'), ...sources],
      logFile: join(work, 'javac.log'),
      orphanSignal: 'SIGKILL',
      removeWhenOrphaned: [work],
    });
    await rename(join(work, 'classes'), target).catch((error: unknown) => {
      // Another process was first.
      if (!existsSync(target)) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return target;
}
