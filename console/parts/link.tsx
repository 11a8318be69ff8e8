import { Anchor } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link as RouterLink, useSearchParams } from 'wouter';

/** What an address has after `?`: texts only. Undefined and empty ones are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** The address of a page with a query. */
export function addressOf(path: string, query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return search === '' ? path : `${path}?${search}`;
}

/** A link to a page of the console, such as `/requests/17`. */
export function Link({
  to,
  query,
  className,
  children,
}: {
  to: string;
  query?: Query;
  className?: string;
  children: ReactNode;
}) {
  return (
    <Anchor
      component={RouterLink}
      href={addressOf(to, query)}
      inherit
      {...(className === undefined ? {} : { className })}
    >
      {children}
    </Anchor>
  );
}

/** The why page of a card, a subscription or anything else that has a number. */
export function Why({ of, children }: { of: string; children?: ReactNode }) {
  return (
    <Link to={`/why/${encodeURIComponent(of)}`} className="number">
      {children ?? of}
    </Link>
  );
}

/**
 * The query of the present address, and a function that changes some of it. Filters and the place in a list live there,
 * so that an address can be sent to a colleague and the browser's back button works.
 */
export function useQueryOfAddress(): [(name: string) => string | undefined, (change: Query) => void] {
  const [params, setParams] = useSearchParams();
  return [
    (name) => params.get(name) ?? undefined,
    (change) =>
      setParams((old) => {
        const next = new URLSearchParams(old);
        for (const [name, value] of Object.entries(change))
          if (value === undefined || value === '') next.delete(name);
          else next.set(name, String(value));
        return next;
      }),
  ];
}
