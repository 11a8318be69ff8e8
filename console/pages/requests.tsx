import { Tabs, Title } from '@mantine/core';
import { useQueryOfAddress } from '../parts/link.tsx';
import { RequestList } from './requests/list.tsx';
import { Refusals } from './requests/refusals.tsx';

/** All requests by filters, and the refused ones by their code. */
export function RequestsPage() {
  const [query, setQuery] = useQueryOfAddress();
  return (
    <>
      <Title order={1} mb="sm">
        Requests
      </Title>
      <Tabs
        value={query('tab') ?? 'list'}
        onChange={(tab) => setQuery({ tab: tab === 'list' ? undefined : (tab ?? undefined) })}
        keepMounted={false}
      >
        <Tabs.List mb="sm">
          <Tabs.Tab value="list">All</Tabs.Tab>
          <Tabs.Tab value="refusals">Refusals by code</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="list">
          <RequestList />
        </Tabs.Panel>
        <Tabs.Panel value="refusals">
          <Refusals />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}
