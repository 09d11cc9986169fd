// The REST API of a worker under measurement.

/** Sends a request to Connect's REST API. @throws Error with the answer. */
export async function rest(url, method, path, body) {
  const answer = await fetch(url + path, {
    method,
    headers: { "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

/** Resolves once a server answers at `url`. It is asked every 5 ms, which is the error of a time measured by it. */
export async function answers(url) {
  for (;;) {
    try {
      if ((await fetch(url)).ok) return;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    await new Promise((next) => setTimeout(next, 5));
  }
}
