#include "admin/rule_import.h"

#include "tests/support_c/import_check.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define HEAD                                                                                       \
	"Name,Py,Protocol,SIP variant,Source,RMBA,Mode,Pattern type,Pattern,Behaviour,Replace,"    \
	"On match,Target\n"
#define R   "*c xConfiguration Zones Policy SearchRules Rule "
#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct import_case {
	const char *name;
	const char *text;
	size_t carried, refused;
	const char *says;  /* in the remarks; NULL: there are none */
	const char *holds; /* in the rule file */
	const char *lacks; /* not in it; may be NULL */
};

/* Rules of a table, under HEAD. */
static const struct import_case row_cases[] = {
	{"as Cisco's guide has it",
		"IMP Public to IMP,20,SIP,MS IM&P,Any,No,Alias pattern match,Regex,"
		".*imp1-public\\.uc\\.local.*,Leave,,Stop,IMP\n",
		1, 0, NULL,
		"\n#     zone IMP\n\n"
		"rule 'IMP Public to IMP' {\n\tpriority      20\n\tstate         enabled\n"
		"\tprotocol      sip\n\tvariant       ms-imp\n\tsource        any\n"
		"\tauthenticated no\n\tmode          pattern\n"
		"\tpattern       regex '.*imp1-public\\.uc\\.local.*'\n"
		"\tbehavior      leave\n\ton-match      stop\n\ttarget        IMP\n}\n",
		"#     zone default"},
	{"strip", "a,1,SIP,Any,All zones,Yes,Alias pattern match,Prefix,9,Strip,,Continue,B\n", 1,
		0, NULL,
		"\tsource        all-zones\n\tauthenticated yes\n\tmode          pattern\n"
		"\tpattern       prefix '9'\n\tbehavior      strip\n\ton-match      continue\n",
		NULL},
	{"replace",
		"a,1,SIP,Standards-based,Default Zone,no,Alias pattern match,regex,(.*)@a,Replace,"
		"\\1@b;x='y',Stop,B\n",
		1, 0, NULL,
		"\tvariant       standard\n\tsource        default\n\tauthenticated no\n"
		"\tmode          pattern\n\tpattern       regex '(.*)@a'\n"
		"\tbehavior      replace '\\1@b;x=''y'''\n",
		NULL},
	{"exact", "a,1,SIP,Any,Z,no,Pattern,exact,a@b,Leave,,,B\n", 1, 0, NULL,
		"\tpattern       exact 'a@b'\n\tbehavior      leave\n\ton-match      continue\n",
		NULL},
	{"replace without a text", "a,1,SIP,Any,Z,no,Pattern,suffix,@b,Replace,,,B\n", 0, 1,
		"Behaviour \"Replace\": it does not say by what\n", "# not", NULL},
	{"what is not said", "a,-,,,,,,Exact,a,Leave,,,B\n", 1, 0, NULL,
		"\tpriority      100\n\tstate         enabled\n\tprotocol      sip\n"
		"\tvariant       any\n\tsource        any\n\tauthenticated no\n"
		"\tmode          pattern\n",
		NULL},
	{"any alias; what is left of a pattern does not count",
		"a,65534,SIP,Any,Any,No,Any alias,Regex,(,Strip,,Stop,B\n", 1, 0, NULL,
		"\tpriority      65534\n", "(,"},
	{"any address", "a,,,,Any,,Any IP address,-,-,-,-,,B\n", 1, 0, NULL,
		"\tpriority      100\n\tstate         enabled\n\tprotocol      sip\n"
		"\tvariant       any\n\tsource        any\n\tauthenticated no\n"
		"\tmode          any-ip\n\ton-match      continue\n",
		"xmpp"},
	{"SIP and H.323", "a,1,Any,Any,Any,No,Any alias,,,,,Stop,B\n", 1, 0, NULL,
		"\tprotocol      sip\n", "protocol      any"},
	{"calls with Microsoft", "a,1,SIP,Microsoft AV and Share,Any,No,Any alias,,,,,Stop,B\n", 1,
		0, NULL, "\tvariant       ms-av\n", NULL},
	{"IM with Microsoft", "a,1,SIP,Microsoft SIP IM&P,Any,No,Any alias,,,,,Stop,B\n", 1, 0,
		NULL, "\tvariant       ms-imp\n", NULL},
	{"other SIP of Microsoft", "a,1,SIP,Microsoft SIP,Any,No,Any alias,,,,,Stop,B\n", 1, 0,
		NULL, "\tvariant       ms-sip\n", NULL},
	{"all of Microsoft", "a,1,SIP,Any Microsoft,Any,No,Any alias,,,,,Stop,B\n", 1, 0, NULL,
		"\tvariant       microsoft\n", NULL},
	{"all variants", "a,1,SIP,All SIP Variants,Any,No,Any alias,,,,,Stop,B\n", 1, 0, NULL,
		"\tvariant       any\n", NULL},
	{"zones with blanks and quotes",
		"\"Bob's \"\"rule\"\"\",1,SIP,,\"my; {zone}\",No,Any alias,,,,,,\\B'#\n", 1, 0,
		NULL,
		"\n#     zone 'my; {zone}'\n#     zone '\\B''#'\n\nrule 'Bob''s \"rule\"' {\n",
		NULL},
	{"a pattern with all that quotes",
		"a,1,SIP,Any,Z,no,Pattern,Regex,\"a''\\\\\"\"{2},}; # .*\",Leave,,,B\n", 1, 0, NULL,
		"\tpattern       regex 'a''''\\\\\"{2},}; # .*'\n", NULL},
	{"letters that are no ASCII", "z\xc3\xbcrich,1,SIP,,Z\xc3\xbcrich,No,Any alias,,,,,,B\n", 1,
		0, NULL, "\tsource        'Z\xc3\xbcrich'\n", NULL},
	/* what is told */
	{"the same name twice",
		"a,1,SIP,,Any,No,Any alias,,,,,,B\na,2,SIP,,Any,No,Any alias,,,,,,B\n"
		"a (2),3,SIP,,Any,No,Any alias,,,,,,B\na,4,SIP,,Any,No,Any alias,,,,,,B\n",
		4, 0, "t:3: rule 'a (2)': another rule has this name; here it is 'a (2)'\n",
		"rule 'a (3)' {", NULL},
	{"the name of a rule that is not carried over",
		"a,1,H.323,,Any,No,Any alias,,,,,,B\na,2,SIP,,Any,No,Any alias,,,,,,B\n", 1, 1,
		"Protocol \"H.323\": there is no H.323\n", "rule 'a' {", "a (2)"},
	{"no name", ",1,SIP,,Any,No,Any alias,,,,,,B\n", 1, 0,
		"t:2: rule 'line 2': it has no name\n", "rule 'line 2' {", NULL},
	{"a name in Latin-1", "z\xfcrich,1,SIP,,Any,No,Any alias,,,,,,B\n", 1, 0,
		"t:2: rule 'z\\xfcrich': Name \"z\\xfcrich\": no name", "rule 'z\\xfcrich' {",
		NULL},
	{"a name of two lines", "\"a\r\nb\",1,SIP,,Any,No,Any alias,,,,,,B\n", 1, 0,
		"t:2: rule 'a\\x0d\\x0ab'", "rule 'a\\x0d\\x0ab' {", NULL},
	{"a long name", A64 A64 "\xc3\xbc,1,SIP,,Any,No,Any alias,,,,,,B\n", 1, 0,
		"no name for a rule", "rule '" A64 A64 "' {", NULL},
	{"a long name twice",
		A64 A64 ",1,SIP,,Any,No,Any alias,,,,,,B\n" A64 A64
			",1,SIP,,Any,No,Any alias,,,,,,B\n",
		2, 0, "another rule has this name", "a (2)' {", NULL},
	/* what is refused */
	{"H.323", "a,1,H.323,,Any,No,Any alias,,,,,Stop,B\n", 0, 1,
		"t:2: rule 'a' is not carried over: Protocol \"H.323\": there is no H.323\n",
		"# not carried over: rule 'a'\n#     t:2: Protocol \"H.323\": there is no H.323\n"
		"# it stands there as\n#     Name: a\n#     Py: 1\n#     Protocol: H.323\n",
		"zone B"},
	{"another protocol", "a,1,XMPP,,Any,No,Any alias,,,,,,B\n", 0, 1,
		"Protocol \"XMPP\": this value", "# not", NULL},
	{"the local zone as source", "a,1,SIP,,Local Zone,No,Any alias,,,,,Stop,B\n", 0, 1,
		"Source \"Local Zone\": nothing registers", "# not", "goes on"},
	{"a subzone as source", "a,1,SIP,,DefaultSubZone,No,Any alias,,,,,,B\n", 0, 1,
		"Source \"DefaultSubZone\": nothing registers", "# not", NULL},
	{"the local zone as target", "a,1,SIP,,Any,No,Any alias,,,,,Stop,LocalZone\n", 0, 1,
		"Target \"LocalZone\": nothing registers", "# not", NULL},
	{"a rule that stopped",
		"a,1,SIP,,Any,No,Any alias,,,,,Stop,LocalZone\nb,1,SIP,,Any,No,Any "
		"alias,,,,,Stop,B\n",
		1, 1,
		"nothing is reached there; what it would have stopped goes on to the rules "
		"behind it\n",
		"#     what it would have stopped goes on to the rules behind it\n# it stands",
		NULL},
	{"the default zone as target", "a,1,SIP,,Any,No,Any alias,,,,,,Default Zone\n", 0, 1,
		"the default zone is no target", "# not", NULL},
	{"no target", "a,1,SIP,,Any,No,Any alias,,,,,,\n", 0, 1, "it does not say to which target",
		"# not", NULL},
	{"a source without its zone", "a,1,SIP,,Named,No,Any alias,,,,,,B\n", 0, 1,
		"Source \"Named\": it does not say which zone", "# not", NULL},
	{"a zone with a reserved name", "a,1,SIP,,none,No,Any alias,,,,,,B\n", 0, 1,
		"Source \"none\": no zone can be called so", "# not", NULL},
	{"a target with a reserved name", "a,1,SIP,,Any,No,Any alias,,,,,,any\n", 0, 1,
		"Target \"any\": no zone can be called so", "# not", NULL},
	{"a zone in Latin-1", "a,1,SIP,,Z\xfcrich,No,Any alias,,,,,,B\n", 0, 1,
		"Source \"Z\\xfcrich\": a name is text in UTF-8", "#     Source: Z\\xfcrich\n",
		NULL},
	{"a zone with a long name", "a,1,SIP,," A64 A64 "a,No,Any alias,,,,,,B\n", 0, 1,
		"the name of a zone has at most 128 bytes", "# not", NULL},
	{"priority 0", "a,0,SIP,,Any,No,Any alias,,,,,,B\n", 0, 1, "Py \"0\": a priority is",
		"# not", NULL},
	{"priority 65535", "a,65535,SIP,,Any,No,Any alias,,,,,,B\n", 0, 1,
		"Py \"65535\": a priority", "# not", NULL},
	{"a priority that is no number", "a,x,SIP,,Any,No,Any alias,,,,,,B\n", 0, 1,
		"Py \"x\": a priority", "# not", NULL},
	{"an unknown variant", "a,1,SIP,New,Any,No,Any alias,,,,,,B\n", 0, 1,
		"SIP variant \"New\": this value is not known", "# not", NULL},
	{"an unknown authentication", "a,1,SIP,,Any,maybe,Any alias,,,,,,B\n", 0, 1,
		"RMBA \"maybe\": this value is not known", "# not", NULL},
	{"an unknown mode", "a,1,SIP,,Any,No,Any,,,,,,B\n", 0, 1, "Mode \"Any\": this value",
		"# not", NULL},
	{"no mode", "a,1,SIP,,Any,No,,,,,,,B\n", 0, 1, "it does not say its mode", "# not", NULL},
	{"an unknown on match", "a,1,SIP,,Any,No,Any alias,,,,,Perhaps,B\n", 0, 1,
		"On match \"Perhaps\": this value", "# not", NULL},
	{"an unknown type", "a,1,SIP,,Any,No,Pattern,Glob,*,Leave,,,B\n", 0, 1,
		"Pattern type \"Glob\": this value", "# not", NULL},
	{"an unknown behavior", "a,1,SIP,,Any,No,Pattern,Prefix,9,Add prefix,,,B\n", 0, 1,
		"Behaviour \"Add prefix\": this value", "# not", NULL},
	{"no type", "a,1,SIP,,Any,No,Pattern,-,9,Leave,,,B\n", 0, 1, "of which type its pattern is",
		"# not", NULL},
	{"no behavior", "a,1,SIP,,Any,No,Pattern,Prefix,9,,,,B\n", 0, 1, "its behavior", "# not",
		NULL},
	{"no pattern", "a,1,SIP,,Any,No,Pattern,Prefix,,Leave,,,B\n", 0, 1, "its pattern", "# not",
		NULL},
	{"a regex that is none", "a,1,SIP,,Any,No,Pattern,Regex,a)|(b,Leave,,,B\n", 0, 1,
		"Pattern \"a)|(b\": unmatched closing parenthesis, at byte 2\n", "# not", NULL},
	{"strip of a regex", "a,1,SIP,,Any,No,Pattern,Regex,.*,Strip,,,B\n", 0, 1,
		"behavior strip takes a prefix or a suffix off", "# not", NULL},
	{"strip of all", "a,1,SIP,,Any,No,Pattern,Exact,a,Strip,,,B\n", 0, 1,
		"behavior strip takes a prefix or a suffix off", "# not", NULL},
	{"a group that is not there", "a,1,SIP,,Any,No,Pattern,Regex,(a),Replace,\\2,,B\n", 0, 1,
		"Replace \"\\2\": ", "# not", NULL},
	{"a group of two digits", "a,1,SIP,,Any,No,Pattern,Regex,(a),Replace,\\10,,B\n", 0, 1,
		"Replace \"\\10\": a digit follows the number of a group\n", "# not", NULL},
	{"a group behind a backslash", "a,1,SIP,,Any,No,Pattern,Regex,(a),Replace,\\\\\\100,,B\n",
		0, 1, "a digit follows the number of a group\n", "# not", NULL},
	{"a backslash that is one", "a,1,SIP,,Any,No,Pattern,Regex,(a),Replace,\\\\10,,B\n", 1, 0,
		NULL, "replace '\\\\10'", NULL},
	{"a backslash in a plain replacement", "a,1,SIP,,Any,No,Pattern,Prefix,a,Replace,\\1,,B\n",
		0, 1, "Replace \"\\1\": a backslash stands for a group", "# not", NULL},
	{"a variable", "a,1,SIP,,Any,No,Pattern,Regex,.*@%localdomain1%,Leave,,Stop,B\n", 0, 1,
		"Pattern \".*@%localdomain1%\": a variable", "#     Pattern: .*@%localdomain1%\n",
		NULL},
	{"a short variable", "a,1,SIP,,Any,No,Pattern,Exact,%IP%,Leave,,,B\n", 0, 1, "a variable",
		"# not", NULL},
	{"a variable in a replacement",
		"a,1,SIP,,Any,No,Pattern,Suffix,@a,Replace,@%systemname%,,B\n", 0, 1,
		"Replace \"@%systemname%\": a variable", "# not", NULL},
	{"escapes of a URI are no variable",
		"a,1,SIP,,Any,No,Pattern,Prefix,%c3%bc%%2b%,Leave,,,B\n", 1, 0, NULL,
		"prefix '%c3%bc%%2b%'", NULL},
	{"a pattern with a control character", "a,1,SIP,,Any,No,Pattern,Exact,\"a\tb\",Leave,,,B\n",
		0, 1, "Pattern \"a\\x09b\": it holds control", "#     Pattern: a\\x09b\n", NULL},
	{"a pattern in Latin-1", "a,1,SIP,,Any,No,Pattern,Exact,\xfc,Leave,,,B\n", 0, 1,
		"Pattern \"\\xfc\": it holds control characters, or bytes that are no UTF-8",
		"# not", NULL},
	{"a replacement in Latin-1", "a,1,SIP,,Any,No,Pattern,Prefix,a,Replace,\xfc,,B\n", 0, 1,
		"Replace \"\\xfc\": it holds", "# not", NULL},
	{"a quote that is not closed",
		"\"a,1,SIP,,Any,No,Any alias,,,,,Stop,B\nb,1,SIP,,Any,No,Any alias,,,,,,B\n", 1, 1,
		"t:2: rule 'line 2' is not carried over: a quote is not closed\n",
		"#     record: \"a,1,SIP,,Any,No,Any alias,,,,,Stop,B\n", NULL},
	{"more cells than columns", "a,1,SIP,,Any,No,Pattern,Regex,\\d{2,4},Leave,,Stop,B\n", 0, 1,
		"t:2: rule 'a' is not carried over: it has a cell without a heading\n",
		"#     record: a,1,SIP,,Any,No,Pattern,Regex,\\d{2,4},Leave,,Stop,B\n", NULL},
	{"empty cells behind the columns", "a,1,SIP,,Any,No,Any alias,,,,,,B,,\n", 1, 0, NULL,
		"rule 'a'", NULL},
};

/* Whole files. */
static const struct import_case file_cases[] = {
	{"semicolons, a byte order mark, CRLF",
		"\xef\xbb\xbfsep=;\r\n"
		"Target;Pattern;PATTERN TYPE;Behavior;Rule name;Source;Request must be "
		"authenticated\r\n"
		"B;a{1,2};regex;leave;a;Any;Yes\r\n",
		1, 0, NULL,
		"\tauthenticated yes\n\tmode          pattern\n"
		"\tpattern       regex 'a{1,2}'\n",
		NULL},
	{"tabs", "Name\tSource\tRMBA\tMode\tTarget\na\tAny\t\tAny alias\tB\n", 1, 0, NULL,
		"rule 'a' {", NULL},
	{"a column for the zone",
		"Name,RMBA,Source,Source name,Mode,Target,Target type,State,Description\n"
		"a,No,Named,Z,Any alias,B,Zone,Disabled,\"off,\nfor now\"\n",
		1, 0, NULL,
		"# Description: off,\\x0afor now\nrule 'a' {\n\tpriority      100\n"
		"\tstate         disabled\n",
		NULL},
	{"a column for the zone alone", "Name,RMBA,Source zone,Mode,Target\na,No,Z,Any alias,B\n",
		1, 0, NULL, "\tsource        Z\n", NULL},
	{"a source and another zone", "Name,Source,Source name,Mode,Target\na,Any,Z,Any alias,B\n",
		0, 1, "Source name \"Z\": the rule names a zone", "# not", NULL},
	{"two zones", "Name,Source,Source name,Mode,Target\na,Y,Z,Any alias,B\n", 0, 1,
		"Source \"Y\": this value is not known", "# not", NULL},
	{"a policy service",
		"Name,Source,Mode,Target,Target type\n"
		"a,Any,Any alias,B,Policy service\n",
		0, 1, "Target type \"Policy service\": there are no policy services", "# not",
		NULL},
	{"no columns for criteria", "Name,Mode,Target\na,Any alias,B\n", 1, 0,
		"t:1: there is no column for the source: the rules are for any\n"
		"t:1: there is no column for authentication: the rules do not ask for it\n",
		"# t:1: there is no column for the source", NULL},
	{"a column of another kind",
		"Name,SIP variant,Source,RMBA,Mode,Target,Owner\n"
		"a,,Any,No,Any alias,B,me\n",
		1, 0, "t:1: unknown column \"Owner\"\n", "# Owner: me\nrule 'a' {", NULL},
	{"a column that may be a criterion that is missing",
		"Name,SIP variant,RMBA,Mode,Target,Owner\na,,No,Any alias,B,me\n", 0, 1,
		"not known and may be a criterion\n", "#     record: a,,No,Any alias,B,me\n", NULL},
	{"a column that is nearly a criterion",
		"Name,SIP variant,Source,RMBA,Mode,Target,Variants\n"
		"a,,Any,No,Any alias,B,MS AV\nb,,Any,No,Any alias,B,\n",
		1, 1, "t:1: unknown column \"Variants\"; did you mean \"variant\"?\n", "rule 'b' {",
		"rule 'a' {"},
	{"the same column twice", "Name,Source,Mode,Target,Source\na,Any,Any alias,B,Z\n", 0, 1,
		"Source: it is set in line 2 to another value", "# not", NULL},
	{"what the command line prints",
		R "3 Authentication: \"Yes\"\n" R "3 Description: \"x\"\n" R
		  "3 Mode: \"AliasPatternMatch\"\n" R "3 Name: \"a\"\n" R
		  "3 Pattern Behavior: \"Replace\"\n" R "3 Pattern Replace: \"\\1@b\"\n" R
		  "3 Pattern String: \"(.*)@a\"\n" R "3 Pattern Type: \"Regex\"\n" R
		  "3 Priority: \"15\"\n" R "3 Progress: \"Stop\"\n" R "3 Protocol: \"SIP\"\n" R
		  "3 SIPTrafficType: \"Any\"\n" R "3 Source Mode: \"Named\"\n" R
		  "3 Source Name: \"DefaultZone\"\n" R "3 State: \"Disabled\"\n" R
		  "3 SystemGenerated: \"No\"\n" R "3 Target Name: \"B 1\"\n" R
		  "3 Target SIPVariant: \"Any\"\n" R "3 Target Type: \"Zone\"\n",
		1, 0, NULL,
		"\n#     zone 'B 1'\n\n# Description: x\nrule 'a' {\n"
		"\tpriority      15\n\tstate         disabled\n"
		"\tprotocol      sip\n\tvariant       any\n"
		"\tsource        default\n\tauthenticated yes\n"
		"\tmode          pattern\n\tpattern       regex '(.*)@a'\n"
		"\tbehavior      replace '\\1@b'\n\ton-match      stop\n"
		"\ttarget        'B 1'\n}\n",
		NULL},
	{"its defaults", R "1 Name: a\n" R "1 Target Name: B\n", 1, 0, NULL,
		"\tpriority      100\n\tstate         enabled\n"
		"\tprotocol      sip\n\tvariant       any\n\tsource        any\n"
		"\tauthenticated no\n\tmode          any-alias\n"
		"\ton-match      continue\n\ttarget        B\n",
		NULL},
	{"its defaults of a pattern",
		R "1 Mode: AliasPatternMatch\n" R "1 Pattern String: 9\n" R "1 Target Name: B\n", 1,
		0, "rule 'rule 1': it has no name",
		"\tpattern       prefix '9'\n\tbehavior      strip\n", NULL},
	{"no name", R "7 Target Name: B\n", 1, 0, "t:1: rule 'rule 7': it has no name\n",
		"rule 'rule 7' {", NULL},
	{"rules in order of their first line",
		R "2 Name: a\n" R "1 Name: b\n" R "2 Target Name: B\n" R "1 Target Name: B\n", 2, 0,
		NULL, "}\n\nrule 'b' {", NULL},
	{"the same value twice", R "1 Name: a\n" R "1 Target Name: B\n" R "1 Name: a\n", 1, 0, NULL,
		"rule 'a' {", NULL},
	{"two values", R "1 Name: a\n" R "1 Target Name: B\n" R "1 Target Name: C\n", 0, 1,
		"t:3: rule 'a' is not carried over: Target Name: it is set in line 2 to another "
		"value\n",
		"#     Target Name: B\n#     Target Name: C\n", NULL},
	{"an unknown setting", R "1 Name: a\n" R "1 Target Name: B\n" R "1 Calling Party: x\n", 0,
		1, "t:3: rule 'a' is not carried over: Calling Party: this setting is not known\n",
		"#     Calling Party: x\n", NULL},
	{"an unknown setting without a value",
		R "1 Name: a\n" R "1 Target Name: B\n" R "1 Calling Party: \n", 1, 0, NULL,
		"rule 'a' {", NULL},
	{"a pattern without a mode",
		R "1 Name: a\n" R "1 Pattern String: x\n" R "1 Target Name: B\n", 0, 1,
		"it does not say its mode", "# not", NULL},
	{"a zone without a source", R "1 Name: a\n" R "1 Source Name: Z\n" R "1 Target Name: B\n",
		0, 1, "it does not say whether the source is named", "# not", NULL},
	{"a zone as source", R "1 Name: a\n" R "1 Source Mode: Z\n" R "1 Target Name: B\n", 0, 1,
		"Source Mode \"Z\": this value is not known", "# not", NULL},
	{"a zone that is left over",
		R "1 Name: a\n" R "1 Source Mode: AllZones\n" R "1 Source Name: Z\n" R
		  "1 Target Name: B\n",
		1, 0, NULL, "\tsource        all-zones\n", NULL},
	{"a zone of the name of ours",
		R "1 Name: a\n" R "1 Source Mode: Named\n" R "1 Source Name: default\n" R
		  "1 Target Name: B\n",
		0, 1, "Source Name \"default\": no zone can be called so", "# not", NULL},
	{"another variant towards the target",
		R "1 Name: a\n" R "1 Target SIPVariant: Microsoft\n" R "1 Target Name: B\n", 0, 1,
		"requests are not made into another variant", "# not", NULL},
	{"a statement that cannot be read",
		R "1 Name: a\n" R "1 Target Name: B\n" R "1 Source Mode: \"Named\n", 0, 1,
		"t:3: rule 'a' is not carried over: a statement about it cannot be read: xConf",
		"#     statement: xConfiguration", NULL},
	{"a statement without a number", R "1 Name: a\n" R "1 Target Name: B\n" R "x Name: a\n", 1,
		0, "t:3: this statement cannot be read: xConfiguration", "# t:3: this statement",
		NULL},
	{"transforms",
		R "1 Name: a\n" R "1 Target Name: B\nxConfiguration Transform 1 Priority: 1\n"
		  "xConfiguration Transform 2 Priority: 1\n",
		1, 0, "t:3: transforms are not carried over", "# t:3: transforms", "t:4:"},
};

static const struct unreadable_case {
	const char *name;
	struct cw_str text;
	const char *why;
} unreadable_cases[] = {
	{"empty", CW_STR(""), "neither a table"},
	{"prose", CW_STR("Name your rules, and set a target.\n"), "neither a table"},
	{"another table", CW_STR("Name,Priority,Colour\na,1,red\n"), "neither a table"},
	{"no heading", CW_STR("a,1,SIP,,Any,No,Any alias,,,,,,B\n"), "neither a table"},
	{"other settings", CW_STR("*c xConfiguration Zones Zone 7 Type: \"DNS\"\n"),
		"neither a table"},
	{"a heading alone", CW_STR(HEAD ",,,\n"), "the table holds no rule"},
	{"UTF-16", CW_STR("\xff\xfeN\0a\0m\0e\0"), "UTF-16"},
	{"UTF-16, big end first", CW_STR("\xfe\xff\0N\0a\0m\0e"), "UTF-16"},
};

/* One import; its two outputs end in a NUL and are to be freed. */
struct outcome {
	struct cw_rule_import result;
	char *out, *remarks;
	size_t out_len, remarks_len;
	int r;
};

static void import(struct outcome *o, struct cw_str text)
{
	FILE *out = open_memstream(&o->out, &o->out_len),
	     *remarks = open_memstream(&o->remarks, &o->remarks_len);

	ck_assert_ptr_nonnull(out);
	ck_assert_ptr_nonnull(remarks);
	o->r = cw_rule_import(&o->result, out, remarks, "t", text);
	(void)fclose(out);
	(void)fclose(remarks);
}

static void finish(struct outcome *o)
{
	free(o->out);
	free(o->remarks);
}

static void check_case(const struct import_case *c, const char *head)
{
	char whole[2048];
	struct outcome o;
	struct cw_str text;

	(void)snprintf(whole, sizeof(whole), "%s%s", head, c->text);
	text = heap_copy(cw_str_of(whole));
	import(&o, text);
	ck_assert_msg(o.r == 0, "%s: %s", c->name, o.result.unreadable);
	ck_assert_msg(o.result.carried == c->carried && o.result.refused == c->refused,
		"%s: %zu carried, %zu refused\n%s%s", c->name, o.result.carried, o.result.refused,
		o.out, o.remarks);
	ck_assert_msg(c->says ? strstr(o.remarks, c->says) != NULL : o.remarks_len == 0, "%s:\n%s",
		c->name, o.remarks);
	ck_assert_msg(strstr(o.out, c->holds), "%s:\n%s", c->name, o.out);
	ck_assert_msg(!c->lacks || !strstr(o.out, c->lacks), "%s:\n%s", c->name, o.out);
	ck_assert_msg(o.result.remarks == cw_str_count(cw_str_of(o.remarks), '\n'), "%s:\n%s",
		c->name, o.remarks);
	ck_assert_msg(import_check(cw_str_make(o.out, o.out_len), c->carried), "%s", c->name);
	finish(&o);
	heap_free(text);
}

START_TEST(imports_rows)
{
	check_case(&row_cases[_i], HEAD);
}
END_TEST

START_TEST(imports_files)
{
	check_case(&file_cases[_i], "");
}
END_TEST

START_TEST(says_what_is_unreadable)
{
	const struct unreadable_case *c = &unreadable_cases[_i];
	struct cw_str text = heap_copy(c->text);
	struct outcome o;

	import(&o, text);
	ck_assert_int_eq(o.r, CW_RULE_IMPORT_E_UNREADABLE);
	ck_assert_msg(strstr(o.result.unreadable, c->why), "%s: %s", c->name, o.result.unreadable);
	ck_assert_uint_eq(o.out_len, 0);
	finish(&o);
	heap_free(text);
}
END_TEST

START_TEST(bounds_the_text)
{
	char *text = calloc(1, CW_RULE_IMPORT_BYTES_MAX + 1);
	struct outcome o;

	ck_assert_ptr_nonnull(text);
	import(&o, cw_str_make(text, CW_RULE_IMPORT_BYTES_MAX + 1));
	ck_assert_int_eq(o.r, CW_RULE_IMPORT_E_UNREADABLE);
	ck_assert_ptr_nonnull(strstr(o.result.unreadable, "16 MiB"));
	finish(&o);
	import(&o, cw_str_make(text, CW_RULE_IMPORT_BYTES_MAX));
	ck_assert_ptr_nonnull(strstr(o.result.unreadable, "neither"));
	finish(&o);
	free(text);
}
END_TEST

/* As many rules as may be, all of one name, and one more. */
START_TEST(bounds_the_rules)
{
	static const char row[] = "a,1,SIP,,Any,No,Any alias,,,,,,B\n";
	size_t head_len = sizeof(HEAD) - 1, row_len = sizeof(row) - 1, i;
	char *text = malloc(head_len + (CW_RULE_IMPORT_RULES_MAX + 1) * row_len);
	struct outcome o;

	ck_assert_ptr_nonnull(text);
	memcpy(text, HEAD, head_len);
	for (i = 0; i <= CW_RULE_IMPORT_RULES_MAX; i++)
		memcpy(text + head_len + i * row_len, row, row_len);
	import(&o, cw_str_make(text, head_len + (CW_RULE_IMPORT_RULES_MAX + 1) * row_len));
	ck_assert_int_eq(o.r, CW_RULE_IMPORT_E_UNREADABLE);
	ck_assert_ptr_nonnull(strstr(o.result.unreadable, "20,000"));
	ck_assert_uint_eq(o.out_len, 0);
	finish(&o);
	import(&o, cw_str_make(text, head_len + CW_RULE_IMPORT_RULES_MAX * row_len));
	ck_assert_int_eq(o.r, 0);
	ck_assert_uint_eq(o.result.carried, CW_RULE_IMPORT_RULES_MAX);
	ck_assert_ptr_nonnull(strstr(o.out, "rule 'a (20000)' {"));
	finish(&o);
	free(text);
}
END_TEST

START_TEST(copes_with_short_memory)
{
	static const char *const texts[] = {
		HEAD "\"a\"\"\",1,SIP,,Z,No,Pattern,Regex,(a),Replace,\\1,Stop,B\n"
		     "\"a\"\"\",1,SIP,,Z,No,Pattern,Regex,(,Leave,,Stop,B\n"
		     "\"a\"\"\",1,SIP,,Z,No,Any alias,,,,,Stop,B\nx\"y,\"\n",
		R "1 Name: a\n" R "1 Target Name: B\n" R "1 Foo: B\n" R "2 Target Name: \xff\n" R
		  "2 Name\n" R "3 Target Name: B\n" R "x \nxConfiguration Transform 1 Name: x\n",
	};
	struct cw_rule_import result;
	FILE *sink = fopen("/dev/null", "w");
	size_t i;

	ck_assert_ptr_nonnull(sink);
	for (i = 0; i < N_ELEMENTS(texts); i++) {
		for (unsigned n = 1;; n++) {
			alloc_fail_at(n);
			int r = cw_rule_import(&result, sink, sink, "t\xff", cw_str_of(texts[i]));
			bool reached = alloc_fail_reached();
			ck_assert_int_eq(r, reached ? -ENOMEM : 0);
			if (!reached)
				break;
		}
	}
	(void)fclose(sink);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rule_import");
	TCase *tcase = tcase_create("rule_import");

	ADD_ROWS(tcase, imports_rows, row_cases);
	ADD_ROWS(tcase, imports_files, file_cases);
	ADD_ROWS(tcase, says_what_is_unreadable, unreadable_cases);
	tcase_add_test(tcase, bounds_the_text);
	tcase_add_test(tcase, bounds_the_rules);
	tcase_add_test(tcase, copes_with_short_memory);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
