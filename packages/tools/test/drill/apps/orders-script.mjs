/** As docs/drill.md shows it. */
export async function setup({ url }) {
  const answer = await fetch(`${url}/login`, { method: 'POST' });
  return answer.json();
}

export const requests = [
  {
    name: 'POST /orders',
    make: ({ state, number }) => ({
      method: 'POST',
      path: '/orders',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${state.token}` },
      body: JSON.stringify({ id: number }),
      expect: { status: 201, body: (bytes) => JSON.parse(bytes).id === number },
    }),
  },
];
