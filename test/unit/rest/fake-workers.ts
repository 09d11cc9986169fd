import type { HttpAnswer, HttpClient, HttpRequest } from "../../../src/base/http-client.js";

/** The other workers of the group, by HTTP: what was sent to them, and what they answer. */
export class FakeWorkers implements HttpClient {
  readonly sent: HttpRequest[] = [];
  /** Each request's answer; an Error is thrown as a connection that failed. */
  answer: (request: HttpRequest) => HttpAnswer | Error = () => new Error("connect ECONNREFUSED");

  async send(request: HttpRequest): Promise<HttpAnswer> {
    this.sent.push(request);
    const answer = this.answer(request);
    if (answer instanceof Error) throw answer;
    return answer;
  }
}
