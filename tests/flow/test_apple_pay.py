"""`kassi apple-pay check`, on tokens that real devices made (tests/data/apple_pay)."""

import json
import os
import pathlib
import re

from kassi import FlowTest, run

DATA = pathlib.Path(__file__).resolve().parent.parent / "data" / "apple_pay"
SIGNED = 1630522986  # gala's token, 2021-09-01T19:03:06Z
STEPS = ("well-formed", "one signer", "leaf signed", "pinned root", "over this token", "five minutes", "merchant's keys",
         "decrypted", "content")


class ApplePayCheck(FlowTest):
    def check(self, name="gala", at=str(SIGNED + 5), token=None, **options):
        """Exit status, the outcome of each step by its title, all of the output, what was said on standard error."""
        key = self.write("processing.key", (DATA / f"{name}_key.pem").read_text())
        os.chmod(key, 0o600)
        words = {"token": token or DATA / f"{name}_token.json", "certificate": DATA / f"{name}_certificate.pem", "key": key,
                 "at": at, **options}
        arguments = [part for word, value in words.items() if value is not None for part in ("--" + word, value)]
        status, output, errors = run("apple-pay", "check", *arguments)
        steps = re.findall(r"^(ok|failed|not reached) +(\S.*)$", output, re.MULTILINE)
        return status, steps, output, errors

    def expect_failure(self, step, found):
        status, steps, output, _ = found
        self.assertEqual(status, 1, output)
        at = STEPS.index(step)
        self.assertEqual([outcome for outcome, _ in steps],
                         ["ok"] * at + ["failed"] + ["not reached"] * (len(STEPS) - at - 1))
        self.assertIn(step, steps[at][1])
        self.assertNotIn("amount", output)

    def test_a_good_token_at_its_time(self):
        for name, at, card in (("gala", str(SIGNED), "Mastercard"), ("gala", "2021-09-01T21:08:06+02:00", "Mastercard"),
                               ("basis_ec_new", "2023-09-13T13:49:40Z", "Visa"), ("basis_rsa", "1704736490", "")):
            status, steps, output, errors = self.check(name, at)
            self.assertEqual((status, errors), (0, ""), output)
            self.assertEqual([outcome for outcome, _ in steps], ["ok"] * len(STEPS))
            for step, (_, title) in zip(STEPS, steps):
                self.assertIn(step, title)
            self.assertRegex(output, r"(?m)^amount +\$1\.00 \(100 USD\)$")
            self.assertRegex(output, r"(?m)^card +" + (card or r"\w+") + r" ending in \d{4}, until 20\d\d-\d\d, ECI (\d|not said)$")
            token = json.loads((DATA / f"{name}_token.json").read_text())
            transaction = token.get("paymentData", token)["header"]["transactionId"]
            self.assertRegex(output, r"(?m)^transaction +" + transaction.lower() + "$")
            self.assertNotIn("NOT Apple's", output)
            self.assertNotRegex(output.replace(transaction.lower(), ""), r"\d{11}")

    def test_a_good_token_too_late_too_early_and_today(self):
        self.expect_failure("five minutes", self.check(at=str(SIGNED + 301)))
        self.expect_failure("five minutes", self.check(at=str(SIGNED - 61)))
        self.expect_failure("pinned root", self.check(at=None))

    def test_another_root(self):
        found = self.check(root=DATA / "gala_certificate.pem")
        self.expect_failure("pinned root", found)
        self.assertIn("NOT Apple's", found[2])

    def test_damage_is_told_by_its_step(self):
        good = json.loads((DATA / "gala_token.json").read_text())
        for step, change in (("over this token", lambda token: token["header"].update(transactionId="0" * 64)),
                             ("well-formed", lambda token: token.pop("data")),
                             ("one signer", lambda token: token.update(signature="MIAGCSqGSIb3")),
                             ("merchant's keys", lambda token: token["header"].update(publicKeyHash="A" * 43 + "="))):
            token = json.loads(json.dumps(good))
            change(token)
            self.expect_failure(step, self.check(token=self.write("token.json", json.dumps(token))))

    def test_wrong_files_and_words_are_named(self):
        open_key = self.write("open.key", (DATA / "gala_key.pem").read_text())
        os.chmod(open_key, 0o644)
        other_key = self.write("other.key", (DATA / "basis_ec_new_key.pem").read_text())
        os.chmod(other_key, 0o600)
        for options, said in (({"token": "missing.json"}, "missing.json"), ({"certificate": "missing.pem"}, "missing.pem"),
                              ({"key": "missing.key"}, "missing.key"), ({"key": open_key}, "chmod 600"),
                              ({"key": other_key}, "--key"), ({"certificate": DATA / "gala_token.json"}, "--certificate"),
                              ({"merchant": "merchant.is.other"}, "--certificate"), ({"at": "yesterday"}, "--at"),
                              ({"at": "123456789012"}, "--at"), ({"root": DATA / "gala_token.json"}, "--root"),
                              ({"root": self.write("empty.pem", "")}, "--root"),
                              ({"token": self.write("large.json", " " * (64 * 1024 + 1))}, "64 KiB")):
            status, steps, _, errors = self.check(**options)
            self.assertEqual((status, steps), (2, []), options)
            self.assertIn(said, errors)

    def test_words_that_are_missing(self):
        self.assertEqual(run("apple-pay")[0], 2)
        self.assertEqual(run("apple-pay", "check")[0], 2)
        self.assertEqual(run("apple-pay", "dance")[0], 2)
