/**
 * Prints every SQL statement of `src` as JSON: where it is, its text, what its row type says, and what its comment
 * claims. A program of its own, because it loads the modules with one more export each.
 *
 * The statements are the first arguments of the calls of `query` and `send` that `src/platform/transaction.ts` declares. Their text is
 * what the argument is when the module is loaded. The row types come from the compiler.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CallExpression, Node, SourceFile } from 'typescript/unstable/ast';
import {
  isCallExpression,
  isIdentifier,
  isPropertyAccessExpression,
  isVariableStatement,
} from 'typescript/unstable/ast/is';
import { API, type Checker, type Type, TypeFlags } from 'typescript/unstable/sync';

/** What a column may be in TypeScript. `json` is any object or array that is no `Date`. */
export type Kind = 'boolean' | 'number' | 'string' | 'Date' | 'Buffer' | 'array' | 'json' | 'unknown' | 'null';

export interface Statement {
  /** `src/requests/find.ts FIND_BY_ID`. */
  readonly name: string;
  /** Null: it is put together when it runs. */
  readonly text: string | null;
  /** By the names of the columns; null: the caller takes what comes. */
  readonly columns: Readonly<Record<string, { kinds: readonly Kind[]; optional: boolean }>> | null;
  /** The row type allows other columns. */
  readonly open: boolean;
  readonly comment: string;
  /** The last `//` comment before it about how a group of statements walks. */
  readonly groupComment: string;
}

interface Found extends Omit<Statement, 'text'> {
  readonly file: string;
  readonly expression: string;
}

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const DECLARATION = `${root}/src/platform/transaction.ts`;

const found = findCalls();
const texts = await evaluate(found);
const statements = found.flatMap(({ file: _file, expression: _expression, ...one }, index): Statement[] => {
  const own = texts[index] ?? [];
  return own.length === 0 ? [{ ...one, text: null }] : own.map((text) => ({ ...one, text }));
});
console.log(JSON.stringify(statements));

function findCalls(): Found[] {
  const api = new API({ cwd: root });
  try {
    const [project] = api.updateSnapshot({ openProjects: [`${root}/tsconfig.json`] }).getProjects();
    if (project === undefined) throw new Error('tsconfig.json has no project');
    const { program, checker } = project;
    return program
      .getSourceFileNames()
      .filter((name) => name.startsWith(`${root}/src/`) && name !== DECLARATION)
      .flatMap((name) => {
        const file = program.getSourceFile(name);
        if (file === undefined) return [];
        const calls = callsIn(file, file, checker).map((call) => describe(call, file, checker));
        return [
          ...calls,
          ...handedOn(file).filter((one) => calls.every(({ expression }) => expression !== one.expression)),
        ];
      });
  } finally {
    api.close();
  }
}

function callsIn(node: Node, file: SourceFile, checker: Checker): CallExpression[] {
  const calls: CallExpression[] = [];
  node.forEachChild((child) => {
    calls.push(...callsIn(child, file, checker));
  });
  if (!isCallExpression(node) || !isPropertyAccessExpression(node.expression)) return calls;
  if (!['query', 'send'].includes(node.expression.name.text)) return calls;
  const declared = checker.getSymbolAtLocation(node.expression.name)?.declarations ?? [];
  return declared.some(({ path }) => path === DECLARATION.toLowerCase() || path === DECLARATION)
    ? [...calls, node]
    : calls;
}

/** The constants that are marked as SQL and are no part of another one: functions that get them call `query`. */
function handedOn(file: SourceFile): Found[] {
  const declarations = file.statements
    .filter((one) => isVariableStatement(one))
    .flatMap((one) => [...one.declarationList.declarations]);
  return declarations
    .filter(({ initializer }) =>
      /^\/\* sql \*\/ `\s*(select|insert|update|delete|with)\b/.test(textOf(initializer, file)),
    )
    .filter(({ name }) => !file.text.includes(`\${${name.getText(file)}}`))
    .map(({ name }) => ({
      name: `${relative(root, file.fileName)} ${name.getText(file)}`,
      file: file.fileName,
      expression: name.getText(file),
      columns: null,
      open: true,
      ...commentsOf(name, file),
    }));
}

/** With the comment before it. */
function textOf(node: Node | undefined, file: SourceFile): string {
  return node === undefined ? '' : file.text.slice(node.pos, node.end).trim();
}

function describe(call: CallExpression, file: SourceFile, checker: Checker): Found {
  const [argument] = call.arguments;
  if (argument === undefined) throw new Error(`${file.fileName}: a query without a statement`);
  const expression = argument.getText(file);
  const place = relative(root, file.fileName);
  const name = isIdentifier(argument) ? argument.text : expression.replaceAll(/\s+/g, ' ').slice(0, 60);
  return {
    name: `${place} ${name}`,
    file: file.fileName,
    expression,
    ...(isPropertyAccessExpression(call.expression) && call.expression.name.text === 'send'
      ? { columns: null, open: false }
      : columnsOf(call, checker)),
    ...commentsOf(argument, file),
  };
}

function columnsOf(call: CallExpression, checker: Checker): Pick<Statement, 'columns' | 'open'> {
  const signature = checker.getResolvedSignature(call);
  const promise = signature === undefined ? undefined : checker.getReturnTypeOfSignature(signature);
  const rows = promise?.isTypeReference() === true ? checker.getTypeArguments(promise)[0] : undefined;
  const row = rows?.isTypeReference() === true ? checker.getTypeArguments(rows)[0] : undefined;
  if (row === undefined) throw new Error('query does not return a promise of rows any more');
  const properties = checker.getPropertiesOfType(row);
  const open = checker.getIndexInfosOfType(row).length > 0;
  if (properties.length === 0) return { columns: null, open };
  const columns = Object.fromEntries(
    properties.map((property) => {
      const type = checker.getTypeOfSymbol(property);
      const kinds = type === undefined ? [] : kindsOf(type, checker);
      return [
        property.name,
        { kinds: kinds.filter((kind) => kind !== undefined), optional: kinds.includes(undefined) },
      ];
    }),
  );
  return { columns, open };
}

function kindsOf(type: Type, checker: Checker): (Kind | undefined)[] {
  if (type.isUnionType()) return [...new Set(type.getTypes().flatMap((one) => kindsOf(one, checker)))];
  if (type.flags & TypeFlags.Undefined) return [undefined];
  if (type.flags & TypeFlags.Null) return ['null'];
  if (type.flags & TypeFlags.BooleanLike) return ['boolean'];
  if (type.flags & TypeFlags.NumberLike) return ['number'];
  if (type.flags & TypeFlags.StringLike) return ['string'];
  if (type.flags & TypeFlags.AnyOrUnknown) return ['unknown'];
  if (checker.isArrayLikeType(type)) return ['array'];
  const name = type.getSymbol()?.name;
  return [name === 'Date' || name === 'Buffer' ? name : 'json'];
}

function commentsOf(argument: Node, file: SourceFile): Pick<Statement, 'comment' | 'groupComment'> {
  const comments = file.statements.map((one) => file.text.slice(one.pos, one.getStart(file)).trim());
  const place = file.statements.findIndex(
    (one) =>
      isVariableStatement(one) &&
      one.declarationList.declarations.some(({ name }) => name.getText(file) === argument.getText(file)),
  );
  const [comment = ''] = place < 0 ? [] : comments.slice(place);
  const isGroup = (one: string): boolean => /^\/\/.*\bwalks?\b/is.test(one);
  const groupComment = comments.slice(0, Math.max(place + 1, 0)).findLast(isGroup) ?? '';
  return { comment: isGroup(comment) ? '' : comment, groupComment };
}

/**
 * The texts that each expression is at the end of its module: several if it chooses among constants, none if it needs
 * something that is only there when it runs.
 */
async function evaluate(calls: readonly Found[]): Promise<string[][]> {
  const byFile = Map.groupBy(calls, ({ file }) => file);
  registerHooks({
    load(url, context, next) {
      const path = url.startsWith('file:') ? fileURLToPath(url) : '';
      const own = byFile.get(path);
      if (own === undefined) return next(url, context);
      const members = own.map(({ expression }) => {
        const [, table] = /^(\w+)\[/.exec(expression) ?? [];
        return `() => ${expression}, () => ${table}`;
      });
      const source = `${readFileSync(path, 'utf8')}\nexport const statementsOfThisModule = [${members.join(', ')}];`;
      return { format: 'module-typescript', source, shortCircuit: true };
    },
  });
  const evaluated = new Map<Found, string[]>();
  for (const [file, own] of byFile) {
    const { statementsOfThisModule } = (await import(file)) as { statementsOfThisModule: (() => unknown)[] };
    for (const [index, call] of own.entries()) {
      const whole = attempt(statementsOfThisModule[2 * index]);
      evaluated.set(call, textsIn(whole ?? attempt(statementsOfThisModule[2 * index + 1])));
    }
  }
  return calls.map((call) => evaluated.get(call) ?? []);
}

/** The text, or the texts of a constant that is a table of them: `PAGES[walk][order]`. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(textsIn) : [];
}

function attempt(expression: (() => unknown) | undefined): unknown {
  try {
    return expression?.();
  } catch (error) {
    if (error instanceof ReferenceError || error instanceof TypeError) return undefined;
    throw error;
  }
}
