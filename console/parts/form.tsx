import { type ChangeEvent, useState } from 'react';
import { useLocation, useSearch } from 'wouter';
import type { ApiError } from '../api/client.ts';
import { FIELD_TEXTS } from '../api/texts.generated.ts';
import { useSession } from '../session.tsx';

/** What people typed and did not send, by person, page and form. A login in between loses nothing. */
const drafts = new Map<string, unknown>();

type Values = Readonly<Record<string, string>>;
type Change = ChangeEvent<HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement>;

export interface Form<V extends Values> {
  readonly values: V;
  readonly change: (part: Partial<V>) => void;
  /** Forgets what was typed, after it was sent. */
  readonly clear: () => void;
  /** An input's properties: the API's description as help, and what the API says is wrong with the field. */
  readonly field: (name: keyof V & string, label: string, path?: string) => FieldProps;
  /** The same for a checkbox; a checked one has the value `true`. */
  readonly check: (name: keyof V & string, label: string, path?: string) => CheckProps;
}

interface Described {
  readonly name: string;
  readonly label: string;
  readonly description: string | undefined;
  readonly error: string | undefined;
}

interface FieldProps extends Described {
  readonly value: string;
  readonly onChange: (event: Change) => void;
}

interface CheckProps extends Described {
  readonly checked: boolean;
  readonly onChange: (event: ChangeEvent<HTMLInputElement>) => void;
}

/**
 * A form. All values are texts, as they were typed; the API checks them.
 * @param calls whose descriptions the fields have.
 * @param initial what it starts with; the query of the address comes first.
 * @param error of the last try. Each field shows the sentences of it that name the field.
 */
export function useForm<V extends Values>(
  calls: readonly (keyof typeof FIELD_TEXTS)[],
  initial: V,
  error: ApiError | null = null,
): Form<V> {
  const { username } = useSession();
  const [path] = useLocation();
  const search = useSearch();
  const key = [username, path, search, ...calls].join(' ');
  const start = { ...initial, ...Object.fromEntries(new URLSearchParams(search)) };
  const [values, setValues] = useState<V>(() => (drafts.get(key) as V | undefined) ?? start);
  const keep = (next: V) => {
    drafts.set(key, next);
    setValues(next);
  };
  const change = (part: Partial<V>) => keep({ ...values, ...part });
  const texts: Values = Object.assign({}, ...calls.map((call) => FIELD_TEXTS[call]));
  const described = (name: string, label: string, at: string): Described => ({
    name,
    label,
    description: texts[at],
    error: problemWith(at, error),
  });
  return {
    values,
    change,
    clear() {
      drafts.delete(key);
      setValues(start);
    },
    field: (name, label, at = name) => ({
      ...described(name, label, at),
      value: values[name] ?? '',
      onChange: ({ currentTarget }) => change({ [name]: currentTarget.value } as Partial<V>),
    }),
    check: (name, label, at = name) => ({
      ...described(name, label, at),
      checked: values[name] === 'true',
      onChange: ({ currentTarget }) => change({ [name]: currentTarget.checked ? 'true' : '' } as Partial<V>),
    }),
  };
}

/** The sentences of an error that name this field; the API separates sentences by semicolons. */
function problemWith(path: string, error: ApiError | null): string | undefined {
  const sentences = (error?.message ?? '').split('; ').filter((sentence) => {
    const [named = ''] = sentence.split(/[ :]/, 1);
    return named === path || named.startsWith(`${path}.`) || named.startsWith(`${path}[`);
  });
  return sentences.length === 0 ? undefined : sentences.join('; ');
}

/** A text that the API wants only if it was given. */
export function given(text: string): string | undefined {
  return text.trim() === '' ? undefined : text.trim();
}

/** A number that the API wants. What is no number goes to the API as it is, which says what is wrong with it. */
export function numberOf(text: string): number | undefined {
  const trimmed = given(text);
  return trimmed === undefined || Number.isNaN(Number(trimmed)) ? (trimmed as number | undefined) : Number(trimmed);
}

/** One entry a line; blanks and commas separate too. */
export function entriesOf(text: string): string[] {
  return text.split(/[\s,;]+/).filter((entry) => entry !== '');
}

/** A time as an input of the kind datetime-local has it, in the viewer's zone, for the API. */
export function momentOf(text: string): string | undefined {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? given(text) : date.toISOString().replace('.000Z', 'Z');
}
