import { expect, test } from "vitest";
import { subjectOf } from "../../../../src/broker/security/distinguished-name.js";
import { parsePrincipalMapping } from "../../../../src/broker/security/principal-mapping.js";

/** Certificates, and their subjects as Java's X500Principal.getName() prints them. */
const CERTIFICATES = [
  [
    "MIICPzCCAeWgAwIBAgIUfmP6TBGzcVFQ8gW/EYg8Tw+5ykQwCgYIKoZIzj0EAwIwdDELMAkGA1UEBhMCREUxGTAXBgNVBAoMEFLDtmhyZW4sIFPDtmhuZSAxHDAaBgNVBAMMEyBBbm4gInRoZSBcIG9uZSIgPTUxHzAdBgkqhkiG9w0BCQEWEGFubkBleGFtcGxlLnRlc3QxCzAJBgNVBAUTAjQyMCAXDTI2MTEzMDAzNTE1MVoYDzIxMjYxMTA2MDM1MTUxWjB0MQswCQYDVQQGEwJERTEZMBcGA1UECgwQUsO2aHJlbiwgU8O2aG5lIDEcMBoGA1UEAwwTIEFubiAidGhlIFwgb25lIiA9NTEfMB0GCSqGSIb3DQEJARYQYW5uQGV4YW1wbGUudGVzdDELMAkGA1UEBRMCNDIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQAB40w6cZC3cAUIynGIIjq+9uocbt2evWj93VhN73kbQpor/NbIffCWcoSWdGjVTo+QkQBZ8/IMbTv8d59ufXzo1MwUTAdBgNVHQ4EFgQUzUXuHvNlPLn2wKgdQ2UzIb0froMwHwYDVR0jBBgwFoAUzUXuHvNlPLn2wKgdQ2UzIb0froMwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiBidNSnl+6k0RIxbFzBb+pMm8EuHU3dtdtWVCWpeg7G1gIhALw8QlgXqcylUWdzADbVyXvUlPpgs7VE+FFbPcW95Tij",
    String.raw`2.5.4.5=#13023432,1.2.840.113549.1.9.1=#1610616e6e406578616d706c652e74657374,CN=\ Ann \"the \\ one\" \=5,O=Röhren\, Söhne\ ,C=DE`,
  ],
  [
    "MIICQjCCAemgAwIBAgIUcNSOvvhvBpEcLeKGvXChCZhIwdswCgYIKoZIzj0EAwIwdjEUMBIGCgmSJomT8ixkARkWBHRlc3QxFzAVBgoJkiaJk/IsZAEZFgdleGFtcGxlMQswCQYDVQQIDAJCRTEKMAgGA1UEBwwBQjEMMAoGA1UECQwDUyAxMR4wCgYDVQQDDANCb2IwEAYKCZImiZPyLGQBAQwCdTEwIBcNMjYxMTMwMDM1MTUxWhgPMjEyNjExMDYwMzUxNTFaMHYxFDASBgoJkiaJk/IsZAEZFgR0ZXN0MRcwFQYKCZImiZPyLGQBGRYHZXhhbXBsZTELMAkGA1UECAwCQkUxCjAIBgNVBAcMAUIxDDAKBgNVBAkMA1MgMTEeMAoGA1UEAwwDQm9iMBAGCgmSJomT8ixkAQEMAnUxMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAAeNMOnGQt3AFCMpxiCI6vvbqHG7dnr1o/d1YTe95G0KaK/zWyH3wlnKElnRo1U6PkJEAWfPyDG07/Hefbn186NTMFEwHQYDVR0OBBYEFM1F7h7zZTy59sCoHUNlMyG9H66DMB8GA1UdIwQYMBaAFM1F7h7zZTy59sCoHUNlMyG9H66DMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgD64tScz0s2n1I6z8i/CBswyHhMZ06JQj08Mpdnznmc0CIAkINU7jnsUJFYa+9TH022rkIMzG1DcpckPb/AvlyAw/",
    "CN=Bob+UID=u1,STREET=S 1,L=B,ST=BE,DC=example,DC=test",
  ],
] as const;

test.each(CERTIFICATES)("the subject of certificate %# is written as in Java", (certificate, subject) => {
  expect(subjectOf(Buffer.from(certificate, "base64"))).toBe(subject);
});

test("a certificate whose subject cannot be read names no user, and ends nothing but its connection", () => {
  const certificate = Buffer.from(CERTIFICATES[1][0], "base64");
  // The three bytes of Bob as a string of UTF-16.
  for (let at = certificate.indexOf("\x0c\x03Bob"); at >= 0; at = certificate.indexOf("\x0c\x03Bob"))
    certificate[at] = 0x1e;
  for (const each of [certificate, certificate.subarray(0, 90), Buffer.alloc(0)]) {
    expect(subjectOf(each)).toBeUndefined();
  }
});

test.each([
  ["DEFAULT", "CN=Ann,O=Org", "CN=Ann,O=Org"],
  ["RULE:^CN=(.*?),O=.*$/$1/", "CN=Ann,O=Org", "Ann"],
  ["RULE:^CN=(.*?),O=(.*?)$/$2-$1/L, DEFAULT", "CN=Ann,O=Org", "org-ann"],
  ["RULE:^CN=(.*?),OU=.*$/$1/U,DEFAULT", "CN=Ann,O=Org", "CN=Ann,O=Org"],
  ["RULE:CN=Ann/x/,RULE:.*$/y/U", "CN=Ann,O=Org", "Y"],
  ["RULE:CN=(\\w+),O=a\\/b/\\$$1/", "CN=Ann,O=a/b", "$Ann"],
  ["RULE:^OU=(.*)$/$1/", "CN=Ann,O=Org", undefined],
  ["RULE:^CN=(\\p{L}+),.*$/$1/", "CN=Renée,O=Org", "Renée"],
  ["RULE:^CN=([a-z&&[^n]]+)$/$1/,DEFAULT", "CN=ann", "CN=ann"],
])("%s maps %s to %s", (rules, subject, user) => {
  expect(parsePrincipalMapping(rules)?.(subject)).toBe(user);
});

test.each(["RULE:a", "NONE", "RULE:a/b/X"])("%s are no rules", (rules) => {
  expect(parsePrincipalMapping(rules)).toBeUndefined();
});

test.each(["RULE:(/b/", "RULE:(a)\\1/b/", "RULE:CN=(.*)/$2/"])(
  "%s are refused, as they would name other users",
  (rules) => {
    expect(() => parsePrincipalMapping(rules)).toThrow(expect.objectContaining({ key: "ssl.principal.mapping.rules" }));
  },
);
