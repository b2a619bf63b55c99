"""Our resolver against dnsmasq."""

import os
import shutil
import subprocess
import tempfile
import unittest

from support.dnsserver import DnsServer

SERVICE = "_sipfederationtls._tcp"
MANY = [(f"{SERVICE}.many.example", f"edge{i}.many.example", 5061, i, 0) for i in range(40)]


@unittest.skipUnless(shutil.which("dnsmasq"), "dnsmasq is not installed")
class DnsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.directory.cleanup)
        cls.server = DnsServer(
            cls.directory.name,
            srv=[(f"{SERVICE}.one.example", "SIP.one.example", 5061, 10, 5), *MANY],
            hosts=[("sip.one.example", "127.0.0.3"), ("sip.one.example", "::3"), ("v4.one.example", "127.0.0.4")],
            cnames=[("alias.one.example", "v4.one.example")],
            extra=[f"--srv-host={SERVICE}.closed.example"])
        cls.addClassCleanup(cls.server.stop)

    def lookup(self, what, name):
        result = subprocess.run([os.environ["LOOKUP"], self.server.address, what, name],
                                stdout=subprocess.PIPE, check=True, timeout=30, text=True)
        return result.stdout.splitlines()

    def test_srv(self):
        self.assertEqual(self.lookup("srv", f"{SERVICE}.one.example"), ["ok", "10 5 5061 sip.one.example"])

    def test_truncated_answer_is_read_over_tcp(self):
        answer = self.lookup("srv", f"{SERVICE}.many.example")
        self.assertEqual(answer, ["ok", *(f"{i} 0 5061 edge{i}.many.example" for i in range(40))])

    def test_no_service(self):
        self.assertEqual(self.lookup("srv", f"{SERVICE}.closed.example"), ["no-service"])

    def test_no_such_name(self):
        self.assertEqual(self.lookup("srv", f"{SERVICE}.absent.example"), ["no-name"])

    def test_no_such_record(self):
        self.assertEqual(self.lookup("srv", "v4.one.example"), ["no-data"])

    def test_addresses_of_both_kinds(self):
        self.assertEqual(self.lookup("host", "sip.one.example"), ["ok", "::3", "127.0.0.3"])

    def test_addresses_of_one_kind(self):
        self.assertEqual(self.lookup("host", "v4.one.example"), ["ok", "127.0.0.4"])

    def test_alias(self):
        self.assertEqual(self.lookup("host", "alias.one.example"), ["ok", "127.0.0.4"])
