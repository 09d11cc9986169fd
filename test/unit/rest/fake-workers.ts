import type { HttpAnswer, HttpClient, HttpRequest } from "../../../src/base/http-client.js";

/** The group's other workers, over HTTP: records requests and returns prepared answers. */
export class FakeWorkers implements HttpClient {
  readonly sent: HttpRequest[] = [];
  /** Each request's answer; an Error is thrown, like a failed connection. */
  answer: (request: HttpRequest) => HttpAnswer | Error = () => new Error("connect ECONNREFUSED");

  async send(request: HttpRequest): Promise<HttpAnswer> {
    this.sent.push(request);
    const answer = this.answer(request);
    if (answer instanceof Error) throw answer;
    return answer;
  }
}
