import { Button } from '@mantine/core';
import { Link } from 'wouter';
import { type CallName, mayCall } from '../api/client.ts';
import { useSession } from '../session.tsx';
import { addressOf, type Query } from './link.tsx';

/** A link that looks like a button, to the form for a call. It is absent if the role may not make the call. */
export function LinkButton({
  to,
  query,
  call,
  children,
}: {
  to: string;
  query?: Query;
  call: CallName;
  children: string;
}) {
  const { role } = useSession();
  if (!mayCall(role, call)) return null;
  return (
    <Button component={Link} href={addressOf(to, query)} size="xs" variant="default">
      {children}
    </Button>
  );
}
