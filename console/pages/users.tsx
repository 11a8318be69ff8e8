import { Checkbox, Code, Group, PasswordInput, Select, Stack, Text, TextInput, Title } from '@mantine/core';
import { useState } from 'react';
import type { Input, Output } from '../api/client.ts';
import { useCall } from '../api/use-call.ts';
import { Action } from '../parts/action.tsx';
import { List } from '../parts/list.tsx';
import { State } from '../parts/state.tsx';
import { Time } from '../parts/time.tsx';
import { useSession } from '../session.tsx';

type User = Output<'users.list'>['users'][number];
type NewUser = Input<'users.add'>;

const NOBODY: NewUser = { username: '', role: 'viewer', organisation: '', generate: true };
const ROLES = [
  { value: 'viewer', label: 'viewer: sees everything, changes nothing' },
  { value: 'operator', label: 'operator: also sends, stops and decides' },
  { value: 'admin', label: 'admin: also pauses sending and manages users' },
];

/** Everybody who may log in. */
export function UsersPage() {
  const query = useCall('users.list', {});
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>Users</Title>
        <AddUser />
      </Group>
      <List
        label="Users"
        query={query}
        rows={query.data?.users}
        rowKey={({ username }) => username}
        empty="There are no users."
        minWidth={900}
        columns={[
          { head: 'Name', cell: ({ username }) => username },
          { head: 'Role', width: 90, cell: ({ role }) => role },
          { head: 'Organisation', cell: ({ organisation, unit }) => [organisation, unit].filter(Boolean).join(', ') },
          { head: 'Sessions', width: 85, cell: ({ tokens }) => tokens },
          {
            head: 'Last change',
            width: 190,
            cell: ({ changed_date: at, changed_by: by }) => (
              <>
                <Time at={at} />
                <Text size="xs" c="dimmed">
                  by {by}
                </Text>
              </>
            ),
          },
          {
            head: 'May log in',
            width: 90,
            cell: ({ disabled }) => <State of={disabled ? 'no' : 'yes'} tone={disabled ? 'bad' : 'good'} />,
          },
          { head: 'Actions', width: 220, cell: (user) => <Actions user={user} /> },
        ]}
      />
    </Stack>
  );
}

function AddUser() {
  const [user, setUser] = useState<NewUser>(NOBODY);
  return (
    <Action
      name="users.add"
      input={user}
      label="Add a user"
      variant="filled"
      isReady={
        user.username !== '' && user.organisation !== '' && (user.generate === true || user.password !== undefined)
      }
      doneStays
      done={newPassword}
      onDone={() => setUser(NOBODY)}
      effect={
        <Stack gap="xs">
          <TextInput
            label="User name"
            description="1 to 64 letters, digits and . _ @ -"
            required
            data-autofocus
            autoComplete="off"
            value={user.username}
            onChange={(event) => setUser({ ...user, username: event.currentTarget.value })}
          />
          <Select
            label="Role"
            data={ROLES}
            allowDeselect={false}
            value={user.role}
            onChange={(role) => setUser({ ...user, role: (role ?? 'viewer') as NewUser['role'] })}
          />
          <TextInput
            label="Organisation"
            description="Must be typed the same at login."
            required
            value={user.organisation}
            onChange={(event) => setUser({ ...user, organisation: event.currentTarget.value })}
          />
          <TextInput
            label="Unit"
            value={user.unit ?? ''}
            onChange={(event) => setUser({ ...user, unit: event.currentTarget.value || undefined })}
          />
          <Password given={user} onChange={(password) => setUser({ ...user, ...password })} />
        </Stack>
      }
    />
  );
}

interface GivenPassword {
  readonly generate?: boolean | undefined;
  readonly password?: string | undefined;
}

/** A password that is made up and shown once, or one that is typed. */
function Password({ given, onChange }: { given: GivenPassword; onChange: (next: GivenPassword) => void }) {
  const { generate = false, password = '' } = given;
  return (
    <>
      <Checkbox
        label="Make up a password and show it once"
        checked={generate}
        onChange={(event) => onChange({ generate: event.currentTarget.checked, password: undefined })}
      />
      {!generate && (
        <PasswordInput
          label="Password"
          description="12 to 256 characters"
          required
          autoComplete="new-password"
          value={password}
          onChange={(event) => onChange({ password: event.currentTarget.value })}
        />
      )}
    </>
  );
}

function newPassword({ username, password }: { username: string; password: string | null }) {
  if (password === null) return `${username} has the password that you typed`;
  return (
    <>
      The password of {username} is <Code>{password}</Code>. It is not shown again.
    </>
  );
}

function Actions({ user: { username, disabled } }: { user: User }) {
  const { username: me } = useSession();
  const [given, setGiven] = useState<GivenPassword>({ generate: true });
  return (
    <Group gap="xs">
      {disabled ? (
        <Action
          name="users.enable"
          input={{ username }}
          label={`Enable ${username}`}
          short="Enable"
          effect={`${username} can log in again, with the old password.`}
          done={() => `${username} can log in again`}
        />
      ) : (
        username !== me && (
          <Action
            name="users.disable"
            input={{ username }}
            label={`Disable ${username}`}
            short="Disable"
            dangerous
            effect={`${username} is logged out everywhere at once and cannot log in again. What the user did stays recorded.`}
            done={() => `${username} is disabled`}
          />
        )
      )}
      <Action
        name="users.reset_password"
        input={{ username, ...given }}
        label={`New password for ${username}`}
        short="New password"
        doneStays
        isReady={given.generate === true || given.password !== undefined}
        effect={
          <Stack gap="xs">
            <Text>{username} is logged out everywhere at once. The old password no longer works.</Text>
            <Password given={given} onChange={setGiven} />
          </Stack>
        }
        done={newPassword}
        onDone={() => setGiven({ generate: true })}
      />
    </Group>
  );
}
