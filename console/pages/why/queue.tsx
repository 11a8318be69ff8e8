import { Group, Table, Title } from '@mantine/core';
import { Link } from '../../parts/link.tsx';
import { ProcessRequest, waitText, WithdrawRequest } from '../../parts/requests.tsx';
import { State } from '../../parts/state.tsx';
import { Empty } from '../../parts/states.tsx';
import type { Explanation } from './use-explanation.ts';

/** The unfinished requests of the cards, the first one first. */
export function Queue({ queue }: Pick<Explanation, 'queue'>) {
  return (
    <section>
      <Title order={2} size="h4" mb="xs">
        Unfinished requests
      </Title>
      {queue.length === 0 ? (
        <Empty>Nothing is on its way to the cards.</Empty>
      ) : (
        <Table.ScrollContainer minWidth={880} type="native" tabIndex={0} role="region" aria-label="Unfinished requests">
          <Table layout="fixed" verticalSpacing={6} aria-label="Unfinished requests">
            <Table.Thead>
              <Table.Tr>
                <Table.Th w={90}>Request</Table.Th>
                <Table.Th w={210}>Type</Table.Th>
                <Table.Th w={190}>Phase</Table.Th>
                <Table.Th w={80}>Attempts</Table.Th>
                <Table.Th>Last error</Table.Th>
                <Table.Th w={200}>
                  <span className="mantine-visually-hidden">Actions</span>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {queue.map((one) => (
                <Table.Tr key={one.number}>
                  <Table.Td>
                    <Link to={`/requests/${one.number}`}>{one.number}</Link>
                  </Table.Td>
                  <Table.Td className="breaks">{one.type}</Table.Td>
                  <Table.Td className="breaks">
                    <State of={one.phase} tone={one.phase === 'RETRYING' ? 'bad' : 'busy'} />
                    <div>{waitText(one)}</div>
                  </Table.Td>
                  <Table.Td>{one.attempts}</Table.Td>
                  <Table.Td className="breaks">{one.last_error ?? '–'}</Table.Td>
                  <Table.Td>
                    <Group gap={6}>
                      <ProcessRequest number={one.number} short="Send now" />
                      <WithdrawRequest number={one.number} short="Withdraw" />
                    </Group>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </section>
  );
}
