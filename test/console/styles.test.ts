import { existsSync, globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const text = globSync('console/**/*.tsx', { exclude: ['console/dist/**'] })
  .map((path) => readFileSync(path, 'utf8'))
  .join('\n');
/** The components that the console imports from Mantine. */
const used = new Set(
  [...text.matchAll(/import \{([^}]*)\} from '@mantine\/core'/g)].flatMap(([, names = '']) =>
    names.split(',').map((name) => name.trim().replace(/^type /, '')),
  ),
);
const imported = [...readFileSync('console/styles.ts', 'utf8').matchAll(/styles\/(\w[\w-]*)\.css/g)].map(
  ([, name]) => name,
);

/** What the listed components are made of. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  Select: ['Combobox', 'Input'],
  TextInput: ['Input'],
  Textarea: ['Input'],
  NativeSelect: ['Input'],
  NumberInput: ['NumberInput', 'Input'],
  TagsInput: ['Combobox', 'PillsInput', 'Pill', 'Input'],
  MultiSelect: ['Combobox', 'PillsInput', 'Pill', 'Input'],
  Modal: ['Modal', 'ModalBase', 'Overlay', 'CloseButton', 'Paper'],
  Checkbox: ['Checkbox', 'InlineInput'],
  Radio: ['Radio', 'InlineInput'],
  Switch: ['Switch', 'InlineInput'],
  Menu: ['Menu', 'Popover'],
};

test('each component that the console uses has its styles', () => {
  const needed = [...used].flatMap(
    (name) => PARTS[name] ?? (existsSync(`node_modules/@mantine/core/styles/${name}.css`) ? [name] : []),
  );
  expect(needed.length).toBeGreaterThan(10);
  expect(needed.filter((name) => !imported.includes(name))).toEqual([]);
});

test('the console loads no styles of a component that it does not use', () => {
  // The first ones are parts of many others.
  const own = imported.slice(imported.indexOf('Flex') + 1);
  const parts = new Set([...used].flatMap((name) => [name, ...(PARTS[name] ?? [])]));
  expect(own.filter((name) => name !== undefined && !parts.has(name))).toEqual([]);
});
