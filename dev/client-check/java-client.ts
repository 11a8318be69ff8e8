import { readdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { downloaded, type Download } from '../stack/download.ts';
import { findJava, LEAN_JVM } from '../stack/java.ts';
import { runSupervised, supervise, type SupervisedCommand } from '../stack/supervised.ts';
import type { Site } from './site.ts';

export const GENERATOR_VERSION = '7.25.0';

const GENERATOR: Download = {
  title: `OpenAPI Generator ${GENERATOR_VERSION}`,
  directory: `openapi-generator-${GENERATOR_VERSION}`,
  wanted: { artifact: `org.openapitools:openapi-generator-cli:${GENERATOR_VERSION}:jar` },
  prepare: () => Promise.resolve(),
};

/** What a generated client needs, in the versions that this generator writes into the client's own pom. */
const LIBRARIES: Download = {
  title: `libraries of clients of OpenAPI Generator ${GENERATOR_VERSION}`,
  directory: `openapi-client-libraries-${GENERATOR_VERSION}`,
  wanted: {
    dependencies: `
    <dependency><groupId>com.fasterxml.jackson.datatype</groupId><artifactId>jackson-datatype-jsr310</artifactId><version>2.21.5</version></dependency>
    <dependency><groupId>org.openapitools</groupId><artifactId>jackson-databind-nullable</artifactId><version>0.2.11</version></dependency>
    <dependency><groupId>com.google.code.findbugs</groupId><artifactId>jsr305</artifactId><version>3.0.2</version></dependency>
    <dependency><groupId>jakarta.annotation</groupId><artifactId>jakarta.annotation-api</artifactId><version>1.3.5</version></dependency>`,
  },
  prepare: () => Promise.resolve(),
};

const CHECK = fileURLToPath(new URL('ClientCheck.java', import.meta.url));

/** A Java, the generator, and the libraries of what it generates. */
export interface JavaTools {
  readonly java: string;
  readonly generator: string;
  /** As a class path, each by its name: the compiler, run as a module, knows no wildcards. */
  readonly libraries: string;
}

/** Finds Java, and downloads the rest where it is not there. @throws when there is no Java 17, or no Maven to download with. */
export async function javaTools(env: NodeJS.ProcessEnv, print: (line: string) => void): Promise<JavaTools> {
  const java = await findJava(env);
  if (java === undefined) throw new Error('The client is a Java client: install Java 17 or newer, with its compiler.');
  const generator = join(await downloaded(GENERATOR, env, print), `openapi-generator-cli-${GENERATOR_VERSION}.jar`);
  const libraries = await downloaded(LIBRARIES, env, print);
  const jars = (await readdir(libraries)).map((file) => join(libraries, file));
  return { java: java.command, generator, libraries: jars.join(delimiter) };
}

/** Generates a client with the generator's own choices but for the packages' names. @returns its Java files. */
export async function generateClient(tools: JavaTools, document: string, directory: string): Promise<string[]> {
  const output = join(directory, 'client');
  await runSupervised('OpenAPI Generator', {
    ...javaCommand(tools, directory, 'generator.log'),
    args: [
      ...LEAN_JVM,
      '-jar',
      tools.generator,
      'generate',
      `--input-spec=${document}`,
      '--generator-name=java',
      '--library=native',
      `--output=${output}`,
      '--additional-properties=invokerPackage=client,apiPackage=client.api,modelPackage=client.model',
      // No tests and no pages about what is thrown away.
      '--global-property=apiTests=false,modelTests=false,apiDocs=false,modelDocs=false',
    ],
  });
  const root = join(output, 'src', 'main', 'java');
  const files = await readdir(root, { recursive: true });
  return files.filter((file) => file.endsWith('.java')).map((file) => join(root, file));
}

/** Compiles the client and the check that uses it. @throws with what the compiler says. */
export async function compileClient(tools: JavaTools, sources: readonly string[], directory: string): Promise<void> {
  const list = join(directory, 'sources.txt');
  await writeFile(list, [...sources, CHECK].map((file) => JSON.stringify(file)).join('\n'));
  await runSupervised('the compilation of the client', {
    ...javaCommand(tools, directory, 'compiler.log'),
    args: [
      ...LEAN_JVM,
      '-m',
      'jdk.compiler/com.sun.tools.javac.Main',
      '--release=17',
      '-encoding',
      'UTF-8',
      `--class-path=${tools.libraries}`,
      '-d',
      join(directory, 'classes'),
      `@${list}`,
    ],
  });
}

/** Runs the check and prints what it says. @returns whether every answer was the expected one. */
export async function runClient(
  tools: JavaTools,
  directory: string,
  { serviceUrl, username, password, organisation, subscription, card }: Site & { readonly serviceUrl: string },
  print: (line: string) => void,
): Promise<boolean> {
  const command = {
    ...javaCommand(tools, directory, 'check.log'),
    args: [
      ...LEAN_JVM,
      `--class-path=${[join(directory, 'classes'), tools.libraries].join(delimiter)}`,
      'ClientCheck',
      serviceUrl,
      username,
      password,
      organisation,
      subscription,
      card,
    ],
  };
  const code = await supervise(command).exited;
  print((await readFile(command.logFile, 'utf8')).trimEnd());
  return code === 0;
}

function javaCommand({ java }: JavaTools, directory: string, log: string): Omit<SupervisedCommand, 'args'> {
  return {
    command: java,
    cwd: directory,
    logFile: join(directory, log),
    orphanSignal: 'SIGKILL',
    removeWhenOrphaned: [directory],
  };
}
