import { Button, Group, NativeSelect, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { momentOf } from './form.tsx';
import { useQueryOfAddress } from './link.tsx';

export interface Filter {
  /** Its name in the address and in the call. */
  readonly name: string;
  readonly label: string;
  /** The values to choose from; without them any text. */
  readonly options?: readonly (string | { readonly value: string; readonly label: string })[];
  /** What stands for no value; default `any`. */
  readonly none?: string;
  /** A time: typed in the viewer's zone, kept in the address in UTC. */
  readonly isTime?: boolean;
}

/** The places in a list that a change of its filters leaves. */
const PLACES = { after: undefined, before: undefined };

/** The filters of a list. They take effect with Enter or the button, and live in the address. */
export function Filters({ filters }: { filters: readonly Filter[] }) {
  const [query, setQuery] = useQueryOfAddress();
  const present = filters.map(({ name }) => query(name) ?? '').join('\n');
  return (
    <Fields key={present} filters={filters} query={query} onApply={(values) => setQuery({ ...values, ...PLACES })} />
  );
}

/** Starts again with what the address has if that changes, for instance by the back button. */
function Fields({
  filters,
  query,
  onApply,
}: {
  filters: readonly Filter[];
  query: (name: string) => string | undefined;
  onApply: (values: Readonly<Record<string, string | undefined>>) => void;
}) {
  const [typed, setTyped] = useState(() =>
    Object.fromEntries(
      filters.map(({ name, isTime }) => [name, isTime === true ? localOf(query(name)) : (query(name) ?? '')]),
    ),
  );
  const apply = (values: Readonly<Record<string, string>>): void =>
    onApply(
      Object.fromEntries(
        filters.map(({ name, isTime }) => [
          name,
          isTime === true ? momentOf(values[name] ?? '') : values[name]?.trim(),
        ]),
      ),
    );
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    apply(typed);
  };
  return (
    <form onSubmit={submit}>
      <Group align="end" gap="sm" mb="sm">
        {filters.map(({ name, label, options, none = 'any', isTime }) =>
          options === undefined ? (
            <TextInput
              key={name}
              size="xs"
              label={label}
              w={isTime === true ? 190 : 160}
              type={isTime === true ? 'datetime-local' : 'text'}
              value={typed[name] ?? ''}
              onChange={({ currentTarget: { value } }) => setTyped({ ...typed, [name]: value })}
            />
          ) : (
            <NativeSelect
              key={name}
              size="xs"
              label={label}
              data={[{ value: '', label: none }, ...options]}
              value={typed[name] ?? ''}
              onChange={({ currentTarget: { value } }) => {
                setTyped({ ...typed, [name]: value });
                apply({ ...typed, [name]: value });
              }}
            />
          ),
        )}
        <Button type="submit" size="xs" variant="default">
          Filter
        </Button>
      </Group>
    </form>
  );
}

/** A moment in UTC as an input of the kind datetime-local has it, in the viewer's zone. */
function localOf(moment: string | undefined): string {
  const date = new Date(moment ?? Number.NaN);
  if (Number.isNaN(date.getTime())) return '';
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
