"""causeway rules import: the search rules of an Expressway become rules that route as they did.

They come as a table or as its configuration. What cannot be carried over is named, and routes nothing.
"""

import re

from support.program import Program, request

ZONES = r"""
hostname expc.example.com
zone IMP                { type neighbor; peer 127.0.0.1:5062; trusted yes }
zone 'Traversal client' { type neighbor; peer 127.0.0.2:5061 }
zone 'DNS zone'         { type dns }
include rules/*.rules
"""
COLUMNS = "Name,Py,Protocol,SIP variant,Source,RMBA,Mode,Pattern type,Pattern,Behaviour,On match,Target".split(",")
TABLE = r"""
IMP to Microsoft,20,SIP,MS IM&P,IMP,No,Alias pattern match,Regex,.*@msexample\.com,Leave,Stop,Traversal client
IMP Public to IMP,20,SIP,MS IM&P,Any,No,Alias pattern match,Regex,.*imp1-public\.uc\.local.*,Leave,Stop,IMP
users to IMP,20,SIP,MS IM&P,Traversal client,No,Alias pattern match,Regex,.*@uc\.local.*,Leave,Stop,IMP
out,65534,SIP,MS IM&P,IMP,Yes,Any alias,,,,Stop,DNS zone
"""
# Request, the zones that the original sends it to.
ROUTES = (
    (request("al@msexample.com", "IMP", authenticated=True), ["Traversal client"]),
    (request("AL@MSEXAMPLE.COM", "IMP", authenticated=True), ["Traversal client"]),
    (request("al@msexampleXcom", "IMP", authenticated=True), ["DNS zone"]),
    (request("al@msexample.com"), []),
    (request("al@msexample.com", "IMP", variant="standard", authenticated=True), []),
    (request("imp1-public.uc.local:5062;transport=tls"), ["IMP"]),
    (request("imp1-public.uc.local", "Traversal client"), ["IMP"]),
    (request("bob@uc.local;gruu", "Traversal client"), ["IMP"]),
    (request("bob@uc.local"), []),
    (request("fe04.msexample.com", "IMP", authenticated=True), ["DNS zone"]),
    (request("192.0.2.7", "IMP", authenticated=True), []),
)


def row(**cells):
    """A line of the table: a SIP rule from anywhere for bob's addresses, but for what is given."""
    named = dict(zip(COLUMNS, "r,20,SIP,Any,Any,No,Alias pattern match,Prefix,bob,Leave,Stop,IMP".split(",")))
    named.update({k.replace("_", " "): v for k, v in cells.items()})
    return ",".join(named[c] for c in COLUMNS) + "\n"


def keys(number, **values):
    """The lines with which an Expressway prints one rule."""
    named = {
        "Authentication": "No", "Description": "", "Mode": "AliasPatternMatch", "Name": f"rule {number}",
        "Pattern Behavior": "Leave", "Pattern Replace": "", "Pattern String": "bob", "Pattern Type": "Prefix",
        "Priority": "20", "Progress": "Stop", "Protocol": "SIP", "SIPTrafficType": "Any", "Source Mode": "Any",
        "Source Name": "", "State": "Enabled", "SystemGenerated": "No", "Target Name": "IMP",
        "Target SIPVariant": "Any", "Target Type": "Zone",
    }
    named.update({k.replace("_", " "): v for k, v in values.items()})
    return "".join(f'*c xConfiguration Zones Policy SearchRules Rule {number} {k}: "{v}"\n' for k, v in named.items())


class Import(Program):
    def carry(self, text, name="e.csv"):
        """Exit status, rule file and complaints of the import; the rule file must load."""
        self.write(name, text)
        code, out, err = self.causeway("rules", "import", name)
        self.assertIn(code, (0, 1), err)
        self.assertEqual(code, 1 if err else 0)
        for complaint in err.splitlines():
            self.assertRegex(complaint, rf"^{re.escape(name)}:\d+: \S")
        self.write("rules/imported.rules", out)
        self.write("causeway.conf", ZONES)
        _, checked = self.json("check", "-c", "causeway.conf", "--json", statuses=(0, 1))
        self.assertEqual(checked["errors"], 0, checked)
        return code, out, err

    def whole(self, text, name="e.csv"):
        """The rule file of an import that leaves nothing out."""
        code, out, err = self.carry(text, name)
        self.assertEqual((code, err), (0, ""))
        return out

    def targets(self, req):
        return [(t["zone"], t["alias"]) for t in self.locate("causeway.conf", req)["targets"]]

    def assert_routes(self, routes):
        for req, zones in routes:
            with self.subTest(req=req):
                self.assertEqual(self.targets(req), [(z, req["alias"]) for z in zones])

    def names(self):
        return [c["rule"] for c in self.locate("causeway.conf", request("x@y"))["considered"]]


class Table(Import):
    HEAD = ",".join(COLUMNS) + "\n"

    def test_the_table_of_the_guide(self):
        self.whole(self.HEAD + TABLE.lstrip())
        self.assertEqual(self.names(), ["IMP to Microsoft", "IMP Public to IMP", "users to IMP", "out"])
        self.assert_routes(ROUTES)

    def test_ways_of_writing_it(self):
        plain = self.HEAD + TABLE.lstrip()
        quoted = "\n".join(",".join(f'"{c}"' for c in line.split(",")) for line in plain.splitlines()) + "\n"
        expected = self.whole(plain)
        for name, text in (
            ("lines end with CR LF", plain.replace("\n", "\r\n")),
            ("no end of the last line", plain.rstrip("\n")),
            ("byte order mark", "\ufeff" + plain),
            ("semicolons", plain.replace(",", ";")),
            ("every cell in quotes", quoted),
            ("all of it", "\ufeff" + quoted.replace(",", ";").replace("\n", "\r\n")),
            ("empty lines at the end", plain + "\n\n"),
        ):
            with self.subTest(name):
                self.assertEqual(self.whole(text), expected)

    def test_columns_in_another_order(self):
        order = [11, 0, 8, 7, 1, 2, 3, 4, 5, 6, 10, 9]
        lines = [line.split(",") for line in (self.HEAD + TABLE.lstrip()).splitlines()]
        lines[0] = [c.upper() for c in lines[0]]
        self.whole("".join(",".join(line[i] for i in order) + "\n" for line in lines))
        self.assert_routes(ROUTES)

    def test_cells_that_need_quotes(self):
        self.whole(self.HEAD + "".join([
            row(Name='"say ""hi"", Bob\'s"', Pattern_type="Regex", Pattern=r'"\d{2,4}@x\.example"'),
            row(Name="{braces} ; # hash", Pattern_type="Regex", Pattern=r".*@y\.example;x='1'"),
            row(Name="größer", Pattern_type="Exact", Pattern="it's@x"),
        ]))
        self.assertEqual(self.names(), ['say "hi", Bob\'s', "{braces} ; # hash", "größer"])
        self.assert_routes((
            (request("123@x.example"), ["IMP"]), (request("12345@x.example"), []), (request("{2,4}@x.example"), []),
            (request("al@y.example;x='1'"), ["IMP"]), (request("al@y.example"), []), (request("it's@x"), ["IMP"]),
        ))

    def test_priorities_and_on_match(self):
        self.whole(self.HEAD + "".join([
            row(Name="last", Py="30", Target="DNS zone"),
            row(Name="goes on", Py="10", On_match="Continue", Pattern="bob@", Target="Traversal client"),
            row(Name="stops", Py="20"),
        ]))
        self.assertEqual(self.names(), ["goes on", "stops", "last"])
        self.assert_routes(((request("bob@x"), ["Traversal client", "IMP"]), (request("bobby@x"), ["IMP"])))

    def test_variants(self):
        everything = ("standard", "ms-imp", "ms-av", "ms-sip")
        for cell, taken in (("Any", everything), ("MS IM&P", ("ms-imp",)), ("ms im&p", ("ms-imp",)), ("", everything)):
            with self.subTest(cell):
                self.whole(self.HEAD + row(SIP_variant=cell))
                self.assert_routes((request("bob@x", variant=v), ["IMP"] if v in taken else []) for v in everything)

    def test_sources(self):
        for cell, taken in (
            ("Any", ("default", "Traversal client")), ("All zones", ("Traversal client",)), ("DefaultZone", ("default",)),
            ("Default zone", ("default",)), ("Traversal client", ("Traversal client",)),
        ):
            with self.subTest(cell):
                self.whole(self.HEAD + row(Source=cell))
                self.assert_routes(
                    (request("bob@x", source), ["IMP"] if source in taken else [])
                    for source in ("default", "Traversal client")
                )

    def test_authentication(self):
        for cell, strangers in (("No", ["DNS zone"]), ("Yes", []), ("", ["DNS zone"])):
            with self.subTest(cell):
                self.whole(self.HEAD + row(RMBA=cell, Target="DNS zone"))
                self.assert_routes((
                    (request("bob@x"), strangers), (request("bob@x", "IMP", authenticated=True), ["DNS zone"]),
                ))

    def test_modes_and_patterns(self):
        addresses = ("bob@x", "al@x", "192.0.2.7")
        for cells, taken in (
            ({"Mode": "Any alias", "Pattern_type": "", "Pattern": "", "Behaviour": ""}, ("bob@x", "al@x")),
            ({"Mode": "Any alias"}, ("bob@x", "al@x")),
            ({"Mode": "Any IP address", "Pattern_type": "", "Pattern": "", "Behaviour": ""}, ("192.0.2.7",)),
            ({"Pattern_type": "Exact", "Pattern": "BOB@x"}, ("bob@x",)),
            ({"Pattern_type": "Exact", "Pattern": "bob"}, ()),
            ({"Pattern_type": "Prefix", "Pattern": "bo"}, ("bob@x",)),
            ({"Pattern_type": "Suffix", "Pattern": "@x"}, ("bob@x", "al@x")),
            ({"Pattern_type": "Suffix", "Pattern": ".@x"}, ()),
            ({"Pattern_type": "Regex", "Pattern": ".*@x"}, ("bob@x", "al@x")),
            ({"Pattern_type": "Regex", "Pattern": "bob"}, ()),
        ):
            with self.subTest(cells=cells):
                self.whole(self.HEAD + row(**cells))
                self.assert_routes((request(a), ["IMP"] if a in taken else []) for a in addresses)

    def test_strip(self):
        self.whole(self.HEAD + row(Behaviour="Strip", Pattern="9-"))
        self.assertEqual(self.targets(request("9-bob@x")), [("IMP", "bob@x")])

    def test_any_protocol_stays_with_sip(self):
        """It stood for SIP and H.323; nobody meant stanzas."""
        self.carry(self.HEAD + row(Protocol="Any"))
        self.assert_routes(((request("bob@x"), ["IMP"]), (request("bob@x", protocol="xmpp", variant="standard"), [])))

    def test_what_cannot_be_carried(self):
        """It is named with its line and beside the rule, which then routes nothing; the others do."""
        for name, cells, word in (
            ("H.323", {"Protocol": "H.323"}, r"H\.?323"),
            ("from endpoints registered here", {"Source": "Local zone"}, "local ?zone"),
            ("to endpoints registered here", {"Target": "LocalZone"}, "local ?zone"),
            ("replace without its text", {"Behaviour": "Replace"}, "replace"),
            ("strip what a regex matched", {"Behaviour": "Strip", "Pattern_type": "Regex", "Pattern": "bob.*"},
             "strip"),
            ("no number", {"Py": "first"}, "first"),
            ("no such priority", {"Py": "70000"}, "70000"),
            ("a regex that PCRE2 refuses", {"Pattern_type": "Regex", "Pattern": "bob(.*"}, r"bob\(\.\*"),
            ("a variant that nobody knows", {"SIP_variant": "MS fax"}, "MS fax"),
            ("a pattern type that nobody knows", {"Pattern_type": "Glob"}, "Glob"),
            ("a mode that nobody knows", {"Mode": "Some alias"}, "Some alias"),
            ("an end that nobody knows", {"On_match": "Perhaps"}, "Perhaps"),
            ("no pattern", {"Pattern": ""}, "pattern"),
            ("no target", {"Target": ""}, "target"),
        ):
            with self.subTest(name):
                code, out, err = self.carry("".join([
                    self.HEAD, row(Name="before", Pattern="al"), row(Name="lost one", **cells), row(Name="after", Pattern="eve"),
                ]))
                self.assertEqual(code, 1)
                self.assertEqual({c.split(":")[1] for c in err.splitlines()}, {"3"}, err)
                self.assertRegex(err, f"(?i){word}")
                self.assertIn("lost one", out)
                self.assertRegex(out, rf"(?mi)^\s*#.*{word}")
                self.assertEqual(self.targets(request("bob@x")), [])
                self.assert_routes(((request("al@x"), ["IMP"]), (request("eve@x"), ["IMP"])))

    def test_a_column_for_the_state(self):
        """Not among those of the guide, but a disabled rule must not come to life."""
        head = self.HEAD.replace("\n", ",State\n")
        self.carry(head + row(Pattern="al").replace("\n", ",Enabled\n") + row().replace("\n", ",Disabled\n"))
        self.assert_routes(((request("al@x"), ["IMP"]), (request("bob@x"), [])))

    def test_lines_are_counted_in_the_file(self):
        _, _, err = self.carry(self.HEAD + row(Name='"two\nlines"', Pattern="al") + row(Protocol="H323"))
        self.assertRegex(err, r"(?m)^e\.csv:4: ")

    def test_cells_that_look_like_rules(self):
        """What cannot be carried is quoted in comments, and stays in them."""
        evil = "rule evil { priority 1; mode any-alias; target IMP }"
        for end in ("\n", "\r", "\r\n", "\v", "\0"):
            with self.subTest(end=end):
                self.carry(self.HEAD + "".join([
                    row(Name=f'"a{end}{evil}"', Protocol="H.323"),
                    row(Name="b", SIP_variant=f'"x{end}{evil}"'),
                    row(Name="c", Pattern=f'"x{end}{evil}"'),
                ]))
                self.assertNotIn("evil", self.names())
                self.assertEqual(self.targets(request("al@x")), [])

    def test_a_name_twice(self):
        self.carry(self.HEAD + row(Pattern="al") + row(Pattern="bob"))
        self.assert_routes(((request("al@x"), ["IMP"]), (request("bob@x"), ["IMP"])))

    def test_a_short_line(self):
        code, _, err = self.carry(self.HEAD + row(Pattern="al") + "half,20,SIP\n")
        self.assertEqual(code, 1)
        self.assertRegex(err, r"(?m)^e\.csv:3: ")
        self.assert_routes(((request("al@x"), ["IMP"]),))


class Configuration(Import):
    @staticmethod
    def without_comments(rules):
        return re.sub(r"(?m)^\s*#.*\n", "", rules)

    def test_a_configuration(self):
        self.whole("".join([
            '*c xConfiguration SystemUnit Name: "expc"\n',
            keys(1, Name="IMP to Microsoft", SIPTrafficType="MS IM&P", Source_Mode="Named", Source_Name="IMP",
                 Pattern_Type="Regex", Pattern_String=r".*@msexample\.com", Target_Name="Traversal client"),
            '*c xConfiguration Zones Zone 1 Name: "IMP"\n',
            keys(2, Name="IMP Public to IMP", SIPTrafficType="MS IM&P", Pattern_Type="Regex",
                 Pattern_String=r".*imp1-public\.uc\.local.*"),
            keys(4, Name="users to IMP", SIPTrafficType="MS IM&P", Source_Mode="Named", Source_Name="Traversal client",
                 Pattern_Type="Regex", Pattern_String=r".*@uc\.local.*"),
            keys(11, Name="out", SIPTrafficType="MS IM&P", Source_Mode="Named", Source_Name="IMP", Authentication="Yes",
                 Mode="AnyAlias", Pattern_String="", Pattern_Behavior="Strip", Priority="65534", Target_Name="DNS zone"),
            "OK\n",
        ]), "x.txt")
        self.assertEqual(self.names(), ["IMP to Microsoft", "IMP Public to IMP", "users to IMP", "out"])
        self.assert_routes(ROUTES)

    def test_ways_of_writing_it(self):
        plain = keys(1, Name="one", Pattern_String="9-", Pattern_Behavior="Strip") + keys(7, Name="two", Progress="Continue")
        expected = self.whole(plain, "x.txt")
        self.assertEqual(self.targets(request("9-bob@x")), [("IMP", "bob@x")])
        self.assertEqual(self.targets(request("bob@x")), [("IMP", "bob@x")])
        expected = self.without_comments(expected)
        for name, text in (
            ("without what tells that it is configuration", plain.replace("*c ", "")),
            ("lines end with CR LF", plain.replace("\n", "\r\n")),
            ("byte order mark", "\ufeff" + plain),
            ("small letters", re.sub(r"xConf.*?:", lambda m: m[0].lower(), plain)),
            ("empty values without quotes", plain.replace(' ""', "")),
        ):
            with self.subTest(name):
                self.assertEqual(self.without_comments(self.whole(text, "x.txt")), expected)

    def test_values(self):
        for values, routes in (
            ({"State": "Disabled"}, [("bob@x", "default", [])]),
            ({"Source_Mode": "AllZones"}, [("bob@x", "default", []), ("bob@x", "Traversal client", ["IMP"])]),
            ({"Source_Mode": "Named", "Source_Name": "DefaultZone"},
             [("bob@x", "default", ["IMP"]), ("bob@x", "Traversal client", [])]),
            ({"Mode": "AnyIPAddress"}, [("bob@x", "default", []), ("192.0.2.7", "default", ["IMP"])]),
            ({"Mode": "AnyAlias"}, [("al@x", "default", ["IMP"]), ("192.0.2.7", "default", [])]),
            ({"Pattern_Type": "Suffix", "Pattern_String": "@x"}, [("al@x", "default", ["IMP"]), ("al@y", "default", [])]),
        ):
            with self.subTest(values=values):
                self.whole(keys(3, **values), "x.txt")
                self.assert_routes((request(alias, source), zones) for alias, source, zones in routes)

    def test_replace(self):
        self.whole(keys(1, Pattern_Type="Regex", Pattern_String=r"(.*)@x\.example", Pattern_Behavior="Replace",
                        Pattern_Replace=r"\1@y.example"), "x.txt")
        self.assertEqual(self.targets(request("bob@x.example")), [("IMP", "bob@y.example")])

    def test_what_cannot_be_carried(self):
        for name, values, word in (
            ("H.323", {"Protocol": "H323"}, "H323"),
            ("a policy server", {"Target_Type": "PolicyServer", "Target_Name": "cpl"}, "PolicyServer"),
            ("from endpoints registered here", {"Source_Mode": "LocalZone"}, "LocalZone"),
        ):
            with self.subTest(name):
                code, out, err = self.carry(keys(1, Name="lost one", **values) + keys(2, Pattern_String="al"), "x.txt")
                self.assertEqual(code, 1)
                self.assertIn(word, err)
                self.assertRegex(out, rf"(?m)^\s*#.*{word}")
                self.assertEqual(self.targets(request("bob@x")), [])
                self.assert_routes(((request("al@x"), ["IMP"]),))


class Refused(Import):
    def test_what_cannot_be_read(self):
        self.write("empty.csv", "")
        self.write("text.csv", "Dear Bob,\nplease find attached.\n")
        self.write("noise.csv", bytes(range(256)) * 40)
        self.write("sub/file", "")
        for args, says in (
            (["missing.csv"], "missing.csv"), (["sub"], "sub"), (["empty.csv"], "empty.csv"), (["text.csv"], "text.csv"),
            (["noise.csv"], "noise.csv"), ([], "argument"), (["empty.csv", "text.csv"], "too many arguments"),
        ):
            with self.subTest(args=args):
                code, out, err = self.causeway("rules", "import", *args)
                self.assertEqual((code, out), (2, ""))
                self.assertIn(says, err)
