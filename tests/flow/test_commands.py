"""Commands that need no server: configuration, state machine, passwords, the command line itself."""

import os
import pty
import subprocess
import sys

from kassi import BINARY, PATIENCE, FlowTest, Serve, run


class CommandLine(FlowTest):
    def test_wrong_words_are_refused_with_status_two(self):
        for words in ([], ["dance"], ["serve"], ["show", "x"], ["show", "--data", "d", "--config", "c", "x"],
                      ["settle", "x", "--data", "d", "--leg", "1", "--money", "gone", "--by", "a", "--because", "b"],
                      ["backup", "--data", "d"], ["backup", "copy.db"], ["forget", "x", "--data", "d", "--because", "b"],
                      ["states", "--format", "png"]):
            status, _, errors = run(*words)
            self.assertEqual(status, 2, words)
            self.assertTrue(errors)

    def test_version_and_help_are_no_errors(self):
        status, output, _ = run("--version")
        self.assertEqual((status, output.split()[0]), (0, "kassi"))
        status, output, _ = run("--help")
        self.assertEqual(status, 0)
        for command in ("serve", "sandbox", "show", "verify", "sweep", "migrate", "settle", "backup", "forget", "states",
                        "check-config", "hash-password", "apple-pay"):
            self.assertIn(command, output)

    def test_states_are_printed_in_three_ways(self):
        for form, mark in (("text", "authorising"), ("dot", "digraph"), ("svg", "<svg")):
            status, output, _ = run("states", "--format", form)
            self.assertEqual(status, 0)
            self.assertIn(mark, output)


class Passwords(FlowTest):
    def test_a_password_is_hashed_from_standard_input(self):
        status, output, errors = run("hash-password", stdin="demopass\n")
        self.assertEqual((status, errors), (0, ""))
        self.assertRegex(output, r"^scrypt\$16384\$8\$1\$[\w-]+\$[\w-]+\n$")
        self.assertNotIn("demopass", output)
        self.assertNotEqual(output, run("hash-password", stdin="demopass\n")[1], "each with a salt of its own")

    def test_an_empty_password_is_refused(self):
        self.assertEqual(run("hash-password", stdin="\n")[0], 2)
        self.assertEqual(run("hash-password", stdin="x" * 1025)[0], 2)

    def test_a_terminal_asks_twice_and_does_not_echo(self):
        outer, inner = pty.openpty()
        process = subprocess.Popen([BINARY, "hash-password"], stdin=inner, stdout=subprocess.PIPE, stderr=inner)
        os.close(inner)
        seen = b""
        for prompt in (b"Password: ", b"Again: "):
            while prompt not in seen:
                seen += os.read(outer, 1000)
            with open(f"/proc/{process.pid}/limits") as limits:
                core = next(line for line in limits if line.startswith("Max core file size"))
            self.assertEqual(core.split()[4:6], ["0", "0"], "no image of the password stays behind")
            os.write(outer, b"s3cret words\n")
        output, _ = process.communicate(timeout=PATIENCE)
        while True:
            try:
                chunk = os.read(outer, 1000)
            except OSError:
                break
            if not chunk:
                break
            seen += chunk
        os.close(outer)
        self.assertEqual(process.returncode, 0)
        self.assertTrue(output.startswith(b"scrypt$"))
        self.assertNotIn(b"s3cret", seen)


class Configuration(FlowTest):
    def test_a_right_one_is_ok(self):
        self.assertEqual(run("check-config", "--config", Serve(self).file), (0, "ok\n", ""))

    def test_everything_wrong_is_said_with_its_line(self):
        serve = Serve(self)
        text = serve.text().replace('mode = "sandbox"', 'mode = "test"').replace('system = "box-office"', 'system = "nobody"')
        serve.file.write_text(text + "colour = 1\n")
        status, output, errors = run("check-config", "--config", serve.file)
        self.assertEqual((status, output), (2, ""))
        line = 1 + text.splitlines().index('system = "nobody"')
        self.assertIn(f"{serve.file}:1: mode must be", errors)
        self.assertIn(f'{serve.file}:{line}: caller.system: there is no system "nobody"', errors)
        self.assertIn(f'{serve.file}:{1 + len(text.splitlines())}: unknown key "caller.colour"', errors)

    def test_serve_refuses_a_wrong_one_with_its_line(self):
        serve = Serve(self)
        serve.file.write_text(serve.text().replace("port = 0", "port = 'x'", 1))
        status, _, errors = run("serve", "--config", serve.file)
        self.assertEqual(status, 2)
        self.assertIn(f"{serve.file}:6: listen.port must be a whole number", errors)
        self.assertFalse((self.folder / "data").exists(), "nothing was begun")

    def test_a_secret_in_the_file_is_refused_and_not_repeated(self):
        serve = Serve(self, "http://127.0.0.1:1")
        serve.file.write_text(serve.text().replace('{ file = "acme.key" }', '"sk_live_1"'))
        status, _, errors = run("check-config", "--config", serve.file)
        self.assertEqual(status, 2)
        self.assertIn("a secret does not stand in this file", errors)
        self.assertNotIn("sk_live_1", errors)

    def test_a_secret_where_a_name_belongs_is_not_repeated(self):
        serve = Serve(self, "http://127.0.0.1:1")
        secret = "5ec7e7" * 10 + "0000"
        for right, wrong in (('master_key_file = "master.key"', f'master_key_env = "{secret}"'),
                             ('master_key_file = "master.key"', f'master_key_file = "{secret}"'),
                             ('master_key_file = "master.key"', f"master_key_file = {secret}"),
                             ('{ file = "acme.key" }', f'{{ env = "{secret}" }}'),
                             ('{ file = "acme.key" }', f'{{ file = "{secret}" }}')):
            serve.file.write_text(serve.text().replace(right, wrong))
            for command in ("check-config", "serve"):
                status, output, errors = run(command, "--config", serve.file)
                self.assertEqual((status, output), (2, ""), wrong)
                self.assertRegex(errors, r"kassi\.toml:\d+: ")
                self.assertNotIn("5ec7e7", errors)

    def test_files_and_hashes_that_could_not_be_used_are_refused_before_anything_begins(self):
        serve = Serve(self)
        self.write("junk.pem", "junk")
        listen = '[listen]\ntls_certificate = "junk.pem"\ntls_key = "junk.pem"'
        for right, wrong, lines in (
                ("[listen]", listen, {6: "listen.tls_certificate", 7: "listen.tls_key"}),
                ("[listen]", 'trusted_certificates = "junk.pem"\n[listen]', {5: "trusted_certificates"}),
                ('system = "box-office"', 'system = "box-office"\npassword_hash = "scrypt$x$y$z$!$!"',
                 {19: "caller.password_hash"})):
            serve.file.write_text(serve.text().replace(right, wrong))
            for command in ("check-config", "serve"):
                status, output, errors = run(command, "--config", serve.file)
                self.assertEqual((status, output), (2, ""), wrong)
                for line, what in lines.items():
                    self.assertIn(f"{serve.file}:{line}: {what}", errors)
        self.assertFalse((self.folder / "data").exists(), "nothing was begun")

    def test_a_missing_file_is_refused(self):
        status, _, errors = run("serve", "--config", self.folder / "none.toml")
        self.assertEqual(status, 2)
        self.assertIn("none.toml", errors)


if __name__ == "__main__":
    sys.exit("run by ctest")
