BEGIN TRANSACTION;
CREATE TABLE acknowledgements (
	partner TEXT NOT NULL, 
	seq BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY (partner, seq)
);
INSERT INTO "acknowledgements" VALUES('zjol',1795935253177946,1795935253895939);
INSERT INTO "acknowledgements" VALUES('zjol',1795935253177947,1795935253895939);
CREATE TABLE changes (
	partner TEXT NOT NULL, 
	seq BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	action TEXT NOT NULL, 
	item TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	clause TEXT, 
	reason TEXT, 
	note TEXT, 
	deadline BIGINT, 
	until BIGINT, 
	PRIMARY KEY (partner, seq)
);
INSERT INTO "changes" VALUES('hzw',1795935253104485,1795935253104485,'put','20261127-brabjrumiq',1,'L-hzw#1',NULL,NULL,NULL,NULL);
INSERT INTO "changes" VALUES('hzw',1795935253104486,1795935253104485,'put','20261127-d5wi7ehfl7',1,'L-hzw#1',NULL,NULL,NULL,NULL);
INSERT INTO "changes" VALUES('hzw',1795935253104487,1795935253104485,'put','20261127-tbfi33uiqo',1,'L-hzw#1',NULL,NULL,NULL,NULL);
INSERT INTO "changes" VALUES('hzw',1795935253104488,1795935253104485,'put','20261127-o3253pz6sm',1,'L-hzw#1',NULL,NULL,NULL,NULL);
INSERT INTO "changes" VALUES('zjol',1795935253177946,1795935253177946,'put','20261127-brabjrumiq',1,'L-zjol#1',NULL,NULL,NULL,NULL);
INSERT INTO "changes" VALUES('zjol',1795935253177947,1795935253177946,'put','20261127-d5wi7ehfl7',1,'L-zjol#1',NULL,NULL,NULL,NULL);
INSERT INTO "changes" VALUES('zjol',1795935253943410,1795935253943410,'put','20261127-tbfi33uiqo',1,'L-zjol#1',NULL,NULL,NULL,NULL);
INSERT INTO "changes" VALUES('zjol',1795935253943411,1795935253943410,'put','20261127-o3253pz6sm',1,'L-zjol#1',NULL,NULL,NULL,NULL);
INSERT INTO "changes" VALUES('hzw',1795935261608941,1795935261608941,'recall','20261127-d5wi7ehfl7',1,'L-hzw#1','editorial','事实有误',1795942461608941,NULL);
INSERT INTO "changes" VALUES('zjol',1795935261608941,1795935261608941,'recall','20261127-d5wi7ehfl7',1,'L-zjol#1','editorial','事实有误',1795942461608941,NULL);
INSERT INTO "changes" VALUES('hzw',1795935279749042,1795935279749042,'withdraw','20261127-tbfi33uiqo',1,'L-hzw#1','held_back',NULL,1796021679749042,NULL);
CREATE TABLE checkpoints (
	size INTEGER NOT NULL, 
	root BLOB NOT NULL, 
	at BIGINT NOT NULL, 
	note TEXT NOT NULL, 
	PRIMARY KEY (size)
);
INSERT INTO "checkpoints" VALUES(23,X'ED43D7FCCBCE5EAD3837A7FE6768FA5D605C6EDE477CF91878053FB02468DDD1',1795935253379550,'xsnet.cn/syndicate-trail
23
7UPX/MvOXq04N6f+Z2j6XWBcbt5HfPkYeAU/sCRo3dE=
time 2026-11-29T06:54:13.379550+00:00

— xsnet.cn/syndicate-trail VEZDeZ9HfvVjaG6OjgGik1lDbeTM4k2iQjsLwlClTVlZwHnAdgItVxrl60jdfip/vzQ8vxMLHSflooGaXMRURVRwiAg=
');
INSERT INTO "checkpoints" VALUES(36,X'B440185EACCFAC1F089227FEFBF0F317EDF09D5F5F2822DB8B0AC4F67A9BBBB1',1795935285155736,'xsnet.cn/syndicate-trail
36
tEAYXqzPrB8Ikif++/DzF+3wnV9fKCLbiwrE9nqbu7E=
time 2026-11-29T06:54:45.155736+00:00

— xsnet.cn/syndicate-trail VEZDeWwQt6UAUzTlqqvX5UBzFpRRwBDHlPGoPligSTOIdMxRrp0+smgkM2MFIsulvMyIN4aB1XkqV6nCIongJsgeVgM=
');
CREATE TABLE counters (
	id INTEGER NOT NULL CHECK (id = 1), 
	change BIGINT NOT NULL, 
	rights BIGINT NOT NULL, 
	line BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "counters" VALUES(1,25,24,36,1795935280499364);
CREATE TABLE deliveries (
	partner TEXT NOT NULL, 
	clause TEXT NOT NULL, 
	item TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	use TEXT NOT NULL, 
	mandate TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	line BIGINT NOT NULL, 
	PRIMARY KEY (partner, clause, item, version)
);
INSERT INTO "deliveries" VALUES('zjol','L-zjol#1','20261127-o3253pz6sm',1,'reprint','HEAD-1',1795935252395312,18);
INSERT INTO "deliveries" VALUES('zjol','L-zjol#1','20261127-tbfi33uiqo',1,'reprint','HEAD-1',1795935252395312,18);
INSERT INTO "deliveries" VALUES('zjol','L-zjol#1','20261127-d5wi7ehfl7',1,'reprint','HEAD-1',1795935252395312,18);
INSERT INTO "deliveries" VALUES('zjol','L-zjol#1','20261127-brabjrumiq',1,'reprint','HEAD-1',1795935252395312,18);
INSERT INTO "deliveries" VALUES('hzw','L-hzw#1','20261127-o3253pz6sm',1,'reprint','HEAD-1',1795935252523062,19);
INSERT INTO "deliveries" VALUES('hzw','L-hzw#1','20261127-tbfi33uiqo',1,'reprint','HEAD-1',1795935252523062,19);
INSERT INTO "deliveries" VALUES('hzw','L-hzw#1','20261127-d5wi7ehfl7',1,'reprint','HEAD-1',1795935252523062,19);
INSERT INTO "deliveries" VALUES('hzw','L-hzw#1','20261127-brabjrumiq',1,'reprint','HEAD-1',1795935252523062,19);
CREATE TABLE editions (
	feed TEXT NOT NULL, 
	recipient TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	judged BIGINT NOT NULL, 
	since BIGINT NOT NULL, 
	PRIMARY KEY (feed, recipient)
);
INSERT INTO "editions" VALUES('all','partner:zjol:','ee039293248d041625bc56286c9fdb8ca6b6739964c94da04bca13274492426a',16,1795935252000000);
INSERT INTO "editions" VALUES('all','partner:hzw:','dda11a6ea49463b19a97ee5500f002119981fd4d015b8a2eacb9926a38cc9dc6',16,1795935252000000);
INSERT INTO "editions" VALUES('item:20261127-d5wi7ehfl7','partner:zjol:','3118c491abf2ab58d56673c7c9874f820a1795d673035666f1594710a1deba81',16,1795935252000000);
CREATE TABLE holdings (
	partner TEXT NOT NULL, 
	item TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	clause TEXT NOT NULL, 
	told INTEGER NOT NULL, 
	terms TEXT NOT NULL, 
	PRIMARY KEY (partner, item)
);
INSERT INTO "holdings" VALUES('hzw','20261127-brabjrumiq',1,'L-hzw#1',1,'full:74baf33a267b60cd');
INSERT INTO "holdings" VALUES('hzw','20261127-o3253pz6sm',1,'L-hzw#1',1,'full:74baf33a267b60cd');
INSERT INTO "holdings" VALUES('zjol','20261127-brabjrumiq',1,'L-zjol#1',1,'full:3d0aa7f102524b52');
INSERT INTO "holdings" VALUES('zjol','20261127-tbfi33uiqo',1,'L-zjol#1',1,'full:3d0aa7f102524b52');
INSERT INTO "holdings" VALUES('zjol','20261127-o3253pz6sm',1,'L-zjol#1',1,'full:3d0aa7f102524b52');
CREATE TABLE holds (
	item TEXT NOT NULL, 
	revision INTEGER NOT NULL, 
	content TEXT NOT NULL, 
	line BIGINT NOT NULL, 
	PRIMARY KEY (item, revision), 
	FOREIGN KEY(item) REFERENCES items (id)
);
INSERT INTO "holds" VALUES('20261127-d5wi7ehfl7',1,'{"recall":["editorial","事实有误",1795935261608941,1795942461608941,1795741200000000]}',27);
INSERT INTO "holds" VALUES('20261127-pipm4yzpb4',1,'{"embargo":[1924992000000000,[]]}',32);
INSERT INTO "holds" VALUES('20261127-4chnjtvoe3',1,'{"withheld":true}',33);
INSERT INTO "holds" VALUES('20261127-tbfi33uiqo',1,'{"exclusive":["zjol",1924963200000000]}',34);
CREATE TABLE item_keys (
	"key" TEXT NOT NULL, 
	item TEXT NOT NULL, 
	PRIMARY KEY ("key"), 
	FOREIGN KEY(item) REFERENCES items (id)
);
INSERT INTO "item_keys" VALUES('uri:tag:xsnet.cn,2026-11-27:item:20261127-brabjrumiq','20261127-brabjrumiq');
INSERT INTO "item_keys" VALUES('headline:efbb054ed478415016c9b3aa26e86ba2c492c7aec08d17a77f2b74b09731a6bf','20261127-brabjrumiq');
INSERT INTO "item_keys" VALUES('opening:80054221a271bb600879c1dcf4b8efc817e8289ad2aec6250d0f9e94acc245be','20261127-brabjrumiq');
INSERT INTO "item_keys" VALUES('uri:tag:xsnet.cn,2026-11-27:item:20261127-d5wi7ehfl7','20261127-d5wi7ehfl7');
INSERT INTO "item_keys" VALUES('headline:49f40f83db3b9659a5496088c18924762a50b240f78cea27732ecce8ec089a8b','20261127-d5wi7ehfl7');
INSERT INTO "item_keys" VALUES('opening:08ed8ee9749a71cf1c29aaca2ef26ee681eee83360a8b433b92f1c97faea0bfb','20261127-d5wi7ehfl7');
INSERT INTO "item_keys" VALUES('uri:tag:xsnet.cn,2026-11-27:item:20261127-tbfi33uiqo','20261127-tbfi33uiqo');
INSERT INTO "item_keys" VALUES('headline:6f758226d918a231d7c1be6844d53b8ca4fe8db768102e361f67f232e50f9120','20261127-tbfi33uiqo');
INSERT INTO "item_keys" VALUES('opening:19f9c62becd3885fad007f38a7f03550f17cdab858a71028f0c2b71db951c686','20261127-tbfi33uiqo');
INSERT INTO "item_keys" VALUES('uri:tag:xsnet.cn,2026-11-27:item:20261127-o3253pz6sm','20261127-o3253pz6sm');
INSERT INTO "item_keys" VALUES('headline:9d38f97de50141ca7a31e9212537eb73f7df3cd25302b06696f362731631ef45','20261127-o3253pz6sm');
INSERT INTO "item_keys" VALUES('opening:1d88a57c29215384fa2494303232bc3e65f7ff7fb4985610357cef7034d7cff3','20261127-o3253pz6sm');
INSERT INTO "item_keys" VALUES('opening:f68f5be3189138a40a6b1a4ffe37e9723688a78fa596f5b3765b97e33dab9fdb','20261127-brabjrumiq');
INSERT INTO "item_keys" VALUES('uri:tag:xsnet.cn,2026-11-27:item:20261127-pipm4yzpb4','20261127-pipm4yzpb4');
INSERT INTO "item_keys" VALUES('headline:20b40bf68cbe975d0f2cd07f98c6fa14cadcec205c8e7f44c5307f5755549110','20261127-pipm4yzpb4');
INSERT INTO "item_keys" VALUES('opening:779e50d99fb2e36171fcc63858129c228306314debd3d083cc728227e736cac4','20261127-pipm4yzpb4');
INSERT INTO "item_keys" VALUES('uri:tag:xsnet.cn,2026-11-27:item:20261127-4chnjtvoe3','20261127-4chnjtvoe3');
INSERT INTO "item_keys" VALUES('headline:d45b44e985547d27e34bc6e795bc7f3db35d604291367ccca8b17147b6676492','20261127-4chnjtvoe3');
INSERT INTO "item_keys" VALUES('opening:d32e57a8128d2fe8f466adca6219cc5f927a021a5abf138fa82d04e714430d64','20261127-4chnjtvoe3');
CREATE TABLE items (
	id TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	outlet TEXT, 
	channel TEXT NOT NULL, 
	medium TEXT NOT NULL, 
	published BIGINT NOT NULL, available BIGINT DEFAULT '0' NOT NULL, exclusive_until BIGINT, holds TEXT DEFAULT '{}' NOT NULL, changed BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "items" VALUES('20261127-brabjrumiq',2,'daily','news','text',1795737600000000,1795737600000000,NULL,'{}',17);
INSERT INTO "items" VALUES('20261127-d5wi7ehfl7',1,'daily','news','text',1795741200000000,1795741200000000,NULL,'{"recall":["editorial","事实有误",1795935261608941,1795942461608941,1795741200000000]}',18);
INSERT INTO "items" VALUES('20261127-tbfi33uiqo',1,'daily','news','text',1795744800000000,1795744800000000,1924963200000000,'{"exclusive":["zjol",1924963200000000]}',24);
INSERT INTO "items" VALUES('20261127-o3253pz6sm',1,'daily','news','text',1795748400000000,1795748400000000,NULL,'{}',10);
INSERT INTO "items" VALUES('20261127-pipm4yzpb4',1,'daily','news','text',1795752000000000,1924992000000000,NULL,'{"embargo":[1924992000000000,[]]}',22);
INSERT INTO "items" VALUES('20261127-4chnjtvoe3',1,'daily','news','text',1795755600000000,1795755600000000,NULL,'{"withheld":true}',23);
CREATE TABLE keys (
	jti TEXT NOT NULL, 
	partner TEXT NOT NULL, 
	kid TEXT NOT NULL, 
	label TEXT NOT NULL, 
	issued BIGINT NOT NULL, 
	expires BIGINT NOT NULL, 
	revoked BIGINT, 
	PRIMARY KEY (jti), 
	FOREIGN KEY(partner) REFERENCES partners (id)
);
INSERT INTO "keys" VALUES('93143d26688e4ed795f015d7bfcab215','zjol','5u9_XK0TNj-8JHiC6vuAPl0SJ2pNYjCP-DibwbcYcMQ','website',1795935226000000,1890543226000000,NULL);
INSERT INTO "keys" VALUES('b6d16f66726741b999db2696fbb6d2a7','hzw','5u9_XK0TNj-8JHiC6vuAPl0SJ2pNYjCP-DibwbcYcMQ','',1795935228000000,1890543228000000,NULL);
INSERT INTO "keys" VALUES('3ed1ebc410d346029583c6ecfbc481b8','hzw','5u9_XK0TNj-8JHiC6vuAPl0SJ2pNYjCP-DibwbcYcMQ','lost',1795935231000000,1827471231000000,1795935236470269);
INSERT INTO "keys" VALUES('8095141d8f5e4b7c831511de088eeb55','zjol','w3jhSh0xuCAeZJhTaepk-KmVb5w-urZMDfkM7M96CH0','new',1795935243000000,1890543243000000,NULL);
CREATE TABLE licences (
	number TEXT NOT NULL, 
	revision INTEGER NOT NULL, 
	partner TEXT NOT NULL, 
	document TEXT NOT NULL, 
	content TEXT NOT NULL, 
	known_from BIGINT NOT NULL, line BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (number, revision), 
	FOREIGN KEY(partner) REFERENCES partners (id)
);
INSERT INTO "licences" VALUES('L-zjol',1,'zjol','number = "L-zjol"
partner = "zjol"
valid_from = 2026-01-01
valid_until = 2036-01-01
[[grant]]
uses = ["reprint", "link"]
outlets = ["daily"]
media = ["text"]
archive = "P3650D"
quota = { items = 100, per = "day" }
','{"excepts":[],"grants":[{"archive":315360000000000,"channels":null,"clause":"L-zjol#1","delay":0,"early":false,"may_edit":false,"media":["text"],"outlets":["daily"],"quota":[100,"day"],"retain":null,"uses":["link","reprint"]}],"number":"L-zjol","partner":"zjol","suspend_overdue":false,"takedown":86400000000,"window":["2025-12-31T16:00:00+00:00","2035-12-31T16:00:00+00:00"]}',1795935215633844,6);
INSERT INTO "licences" VALUES('L-hzw',1,'hzw','number = "L-hzw"
partner = "hzw"
valid_from = 2026-01-01
valid_until = 2036-01-01
[[grant]]
uses = ["reprint", "link"]
outlets = ["daily"]
media = ["text"]
archive = "P3650D"

','{"excepts":[],"grants":[{"archive":315360000000000,"channels":null,"clause":"L-hzw#1","delay":0,"early":false,"may_edit":false,"media":["text"],"outlets":["daily"],"quota":null,"retain":null,"uses":["link","reprint"]}],"number":"L-hzw","partner":"hzw","suspend_overdue":false,"takedown":86400000000,"window":["2025-12-31T16:00:00+00:00","2035-12-31T16:00:00+00:00"]}',1795935220603591,7);
CREATE TABLE mandates (
	number TEXT NOT NULL, 
	revision INTEGER NOT NULL, 
	document TEXT NOT NULL, 
	content TEXT NOT NULL, 
	known_from BIGINT NOT NULL, line BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (number, revision)
);
INSERT INTO "mandates" VALUES('HEAD-1',1,'number = "HEAD-1"
holder = "萧山日报社"
outlets = ["daily"]
media = ["text", "picture"]
exclusive = true
valid_from = 2015-01-01
','{"exclusive":true,"holder":"萧山日报社","media":["picture","text"],"number":"HEAD-1","outlets":["daily"],"window":["2014-12-31T16:00:00+00:00",null]}',1795935208553643,3);
CREATE TABLE manifests (
	digest TEXT NOT NULL, 
	content BLOB NOT NULL, 
	PRIMARY KEY (digest)
);
INSERT INTO "manifests" VALUES('0d0d0bea8cf46e439bc8b44bb7b9f2fa83dd899fac8e527a6012ea5bf0135f5b',X'7B2266656564223A22616C6C222C226974656D73223A5B5B2232303236313132372D6F33323533707A36736D222C312C2272657072696E74222C224C2D7A6A6F6C2331222C22484541442D31225D2C5B2232303236313132372D7462666933337569716F222C312C2272657072696E74222C224C2D7A6A6F6C2331222C22484541442D31225D2C5B2232303236313132372D64357769376568666C37222C312C2272657072696E74222C224C2D7A6A6F6C2331222C22484541442D31225D2C5B2232303236313132372D627261626A72756D6971222C312C2272657072696E74222C224C2D7A6A6F6C2331222C22484541442D31225D5D2C22726563697069656E74223A22706172746E65723A7A6A6F6C227D');
INSERT INTO "manifests" VALUES('55c2c266cf32c24a83d951cca27dd42273bbe441d018e536b86d586b03425a04',X'7B2266656564223A22616C6C222C226974656D73223A5B5B2232303236313132372D6F33323533707A36736D222C312C2272657072696E74222C224C2D687A772331222C22484541442D31225D2C5B2232303236313132372D7462666933337569716F222C312C2272657072696E74222C224C2D687A772331222C22484541442D31225D2C5B2232303236313132372D64357769376568666C37222C312C2272657072696E74222C224C2D687A772331222C22484541442D31225D2C5B2232303236313132372D627261626A72756D6971222C312C2272657072696E74222C224C2D687A772331222C22484541442D31225D5D2C22726563697069656E74223A22706172746E65723A687A77227D');
INSERT INTO "manifests" VALUES('c4236b9aa62eb15c641776318ac38bacca4b9120a668b26ba170dea6d25f697f',X'7B226368616E676573223A5B5B313739353933353235333130343438352C22707574222C2232303236313132372D627261626A72756D6971222C315D2C5B313739353933353235333130343438362C22707574222C2232303236313132372D64357769376568666C37222C315D2C5B313739353933353235333130343438372C22707574222C2232303236313132372D7462666933337569716F222C315D2C5B313739353933353235333130343438382C22707574222C2232303236313132372D6F33323533707A36736D222C315D5D2C226974656D73223A5B5B2232303236313132372D627261626A72756D6971222C312C2272657072696E74222C224C2D687A772331222C22484541442D31225D2C5B2232303236313132372D64357769376568666C37222C312C2272657072696E74222C224C2D687A772331222C22484541442D31225D2C5B2232303236313132372D7462666933337569716F222C312C2272657072696E74222C224C2D687A772331222C22484541442D31225D2C5B2232303236313132372D6F33323533707A36736D222C312C2272657072696E74222C224C2D687A772331222C22484541442D31225D5D2C22726563697069656E74223A22706172746E65723A687A77227D');
INSERT INTO "manifests" VALUES('dd24309dca42286e0e19259f61b3e77438605ac4944a02d260ff1fb2a807839a',X'7B226368616E676573223A5B5B313739353933353235333137373934362C22707574222C2232303236313132372D627261626A72756D6971222C315D2C5B313739353933353235333137373934372C22707574222C2232303236313132372D64357769376568666C37222C315D5D2C226974656D73223A5B5B2232303236313132372D627261626A72756D6971222C312C2272657072696E74222C224C2D7A6A6F6C2331222C22484541442D31225D2C5B2232303236313132372D64357769376568666C37222C312C2272657072696E74222C224C2D7A6A6F6C2331222C22484541442D31225D5D2C22726563697069656E74223A22706172746E65723A7A6A6F6C227D');
INSERT INTO "manifests" VALUES('7b9825d400ebe6defe34b3d3784c0fa5719002ec6dfdb3da7a5a80298b102ea3',X'7B226368616E676573223A5B5B313739353933353235333934333431302C22707574222C2232303236313132372D7462666933337569716F222C315D2C5B313739353933353235333934333431312C22707574222C2232303236313132372D6F33323533707A36736D222C315D5D2C226974656D73223A5B5B2232303236313132372D7462666933337569716F222C312C2272657072696E74222C224C2D7A6A6F6C2331222C22484541442D31225D2C5B2232303236313132372D6F33323533707A36736D222C312C2272657072696E74222C224C2D7A6A6F6C2331222C22484541442D31225D5D2C22726563697069656E74223A22706172746E65723A7A6A6F6C227D');
CREATE TABLE overdue (
	partner TEXT NOT NULL, 
	seq BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY (partner, seq)
);
CREATE TABLE partner_revisions (
	partner TEXT NOT NULL, 
	revision INTEGER NOT NULL, 
	content TEXT NOT NULL, 
	line BIGINT NOT NULL, 
	PRIMARY KEY (partner, revision), 
	FOREIGN KEY(partner) REFERENCES partners (id)
);
INSERT INTO "partner_revisions" VALUES('zjol',1,'{"added":1795935211014608,"domains":["zjol.com.cn"],"name":"浙江在线","suspended":null}',4);
INSERT INTO "partner_revisions" VALUES('hzw',1,'{"added":1795935213313472,"domains":[],"name":"杭州网","suspended":null}',5);
CREATE TABLE partners (
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	domains TEXT NOT NULL, 
	added BIGINT, 
	suspended BIGINT, 
	PRIMARY KEY (id)
);
INSERT INTO "partners" VALUES('zjol','浙江在线','["zjol.com.cn"]',1795935211014608,NULL);
INSERT INTO "partners" VALUES('hzw','杭州网','[]',1795935213313472,NULL);
CREATE TABLE progress (
	partner TEXT NOT NULL, 
	revision BIGINT NOT NULL, 
	last BIGINT NOT NULL, 
	ends_change BIGINT, 
	ends_at BIGINT, 
	ends_rights TEXT, 
	begins_change BIGINT, 
	begins_at BIGINT, 
	begins_rights TEXT, 
	walked_published BIGINT, 
	walked_item TEXT, 
	PRIMARY KEY (partner)
);
INSERT INTO "progress" VALUES('hzw',4,1795935279749042,16,1795935253087256,'39d880f499001de363fc2dcbf15a3d77',16,1795935253104485,'39d880f499001de363fc2dcbf15a3d77',NULL,NULL);
INSERT INTO "progress" VALUES('zjol',4,1795935261608941,16,1795935253163132,'31456a357e7d06c67ef313c9c329ccfe',16,1795935253177946,'31456a357e7d06c67ef313c9c329ccfe',NULL,NULL);
CREATE TABLE syndicate_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT syndicate_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "syndicate_version" VALUES('0002');
CREATE TABLE trail (
	seq INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	partner TEXT, 
	jti TEXT, 
	item TEXT, 
	body TEXT NOT NULL, leaf BLOB DEFAULT '' NOT NULL, 
	PRIMARY KEY (seq)
);
INSERT INTO "trail" VALUES(1,1795935206167894,'signing_key_made','staff',NULL,NULL,NULL,'{"kid":"5u9_XK0TNj-8JHiC6vuAPl0SJ2pNYjCP-DibwbcYcMQ"}',X'4777F52D16ADD674EC08D0732F198F329CF6FB06E9483A808722CDDFE7595783');
INSERT INTO "trail" VALUES(2,1795935206187668,'signing_key_made','staff',NULL,NULL,NULL,'{"kid":"trail:7oPdxAuw5yYtRTm4Drhh2_kV-FWNvOhbViTBxqz2AOY"}',X'6F1BAEA65B707CC4EB3D593F6216703E262DC5C72DCF8557DBEEA3BC98943148');
INSERT INTO "trail" VALUES(3,1795935208553643,'mandate_added','staff',NULL,NULL,NULL,'{"digest":"e628de9d9d112dfa0da3ba882b1d90877e018eee97bd7786160997b47636dd98","mandate":"HEAD-1"}',X'7BEC8A6152D54E214B7CB2F73670A62678D84828A21A4B0730B3D3331A0B6255');
INSERT INTO "trail" VALUES(4,1795935211014608,'partner_added','staff','zjol',NULL,NULL,'{"partner":"zjol"}',X'623A0B7B97D78574566BBDF4995D830F35F0CD88690FBDF1C96F380A828F5C6A');
INSERT INTO "trail" VALUES(5,1795935213313472,'partner_added','staff','hzw',NULL,NULL,'{"partner":"hzw"}',X'B60BE55A09A9B8E9F69385C5FC7BC75975B86391A4EA0A30CE35FE9B82310736');
INSERT INTO "trail" VALUES(6,1795935215633844,'licence_added','staff','zjol',NULL,NULL,'{"digest":"a1d16fa3b1d1782a3f016b72d899a06f88628b2ff4f5f7325ec2fd46c34a76e9","licence":"L-zjol","partner":"zjol"}',X'B2351ED09FA3F4389198E2725A57CDFB369542E3F65721145FBE800A49035184');
INSERT INTO "trail" VALUES(7,1795935220603591,'licence_added','staff','hzw',NULL,NULL,'{"digest":"22e95e35fb68b5f31daea76f7574c01f2f675429d356807f0f6a2f73a51ce65a","licence":"L-hzw","partner":"hzw"}',X'39A15BF370BFA99EC7BBD602A8A926A923203ADF4F9EE9A691F0A96F782EAA1F');
INSERT INTO "trail" VALUES(8,1795935223428256,'item_ingested','staff',NULL,NULL,'20261127-brabjrumiq','{"digest":"788f0a84e99d6fbfc89879ac80c8e024a9a276819c735f38249de66790eb9f68","document":"docs/a.txt","item":"20261127-brabjrumiq","version":1}',X'74459D7D7A56A35DD3B3A7D12038D7C5F5798398276299BCBAE64FCC827ECE9C');
INSERT INTO "trail" VALUES(9,1795935223471064,'item_ingested','staff',NULL,NULL,'20261127-d5wi7ehfl7','{"digest":"758c415a2899442fed31aeb00f6b44e124535a32d88684a27246ced9df479f7e","document":"docs/b.txt","item":"20261127-d5wi7ehfl7","version":1}',X'6134DB978FEAA7FE84ADAD5E73369BCF31869AC9D5CE3C98EA7A48ED0AD866D9');
INSERT INTO "trail" VALUES(10,1795935223494369,'item_ingested','staff',NULL,NULL,'20261127-tbfi33uiqo','{"digest":"2317c3f107ff37e0ca4f498122977a055255b19c144f43c02f087cd74bac5e2f","document":"docs/c.txt","item":"20261127-tbfi33uiqo","version":1}',X'B2CEACAB4A15C742EE24CF8DE0D756DB956B43FBB9A4FBABEA1991E7D8769EAF');
INSERT INTO "trail" VALUES(11,1795935223516063,'item_ingested','staff',NULL,NULL,'20261127-o3253pz6sm','{"digest":"4d5b616962fcafa9bb7b0a243f0f5621d68563a439979a557be4999a9c8ee217","document":"docs/d.txt","item":"20261127-o3253pz6sm","version":1}',X'5DB867DA3D38AA0E21CC60F7807DDE269841FFE42DAEC66E7A5389A9FA6AD5CC');
INSERT INTO "trail" VALUES(12,1795935226000000,'key_issued','staff','zjol','93143d26688e4ed795f015d7bfcab215',NULL,'{"expires":"2029-11-28T06:53:46+00:00","jti":"93143d26688e4ed795f015d7bfcab215","kid":"5u9_XK0TNj-8JHiC6vuAPl0SJ2pNYjCP-DibwbcYcMQ","label":"website","partner":"zjol"}',X'A3317CDCC982A7FC56755D38BEB9D5B7BB9E9D1E6C5660DB5A2DCE225425B312');
INSERT INTO "trail" VALUES(13,1795935228000000,'key_issued','staff','hzw','b6d16f66726741b999db2696fbb6d2a7',NULL,'{"expires":"2029-11-28T06:53:48+00:00","jti":"b6d16f66726741b999db2696fbb6d2a7","kid":"5u9_XK0TNj-8JHiC6vuAPl0SJ2pNYjCP-DibwbcYcMQ","label":"","partner":"hzw"}',X'1BD80D5091DDA8FA14D27FFBFF5E3535D44658AAE597443066FB1A802582672E');
INSERT INTO "trail" VALUES(14,1795935231000000,'key_issued','staff','hzw','3ed1ebc410d346029583c6ecfbc481b8',NULL,'{"expires":"2027-11-29T06:53:51+00:00","jti":"3ed1ebc410d346029583c6ecfbc481b8","kid":"5u9_XK0TNj-8JHiC6vuAPl0SJ2pNYjCP-DibwbcYcMQ","label":"lost","partner":"hzw"}',X'EF29D52304EB88CF5C3ABEE87977150373FE114FCE1C9ED94543E70936298084');
INSERT INTO "trail" VALUES(15,1795935236470269,'key_revoked','staff','hzw','3ed1ebc410d346029583c6ecfbc481b8',NULL,'{"jti":"3ed1ebc410d346029583c6ecfbc481b8","partner":"hzw"}',X'F79747212E91937B43B37005F754BA676F745D26B35A527AAB3410A6F6AFA1F9');
INSERT INTO "trail" VALUES(16,1795935239707161,'signing_key_made','staff',NULL,NULL,NULL,'{"kid":"w3jhSh0xuCAeZJhTaepk-KmVb5w-urZMDfkM7M96CH0"}',X'6FCD2D1504BC998E83AFBC572DD8D36B4A53DCCDE958CC7688604B88BBBBEDE8');
INSERT INTO "trail" VALUES(17,1795935243000000,'key_issued','staff','zjol','8095141d8f5e4b7c831511de088eeb55',NULL,'{"expires":"2029-11-28T06:54:03+00:00","jti":"8095141d8f5e4b7c831511de088eeb55","kid":"w3jhSh0xuCAeZJhTaepk-KmVb5w-urZMDfkM7M96CH0","label":"new","partner":"zjol"}',X'C1FCAAA98C5B6DAC41B4103C8C2DC176C5A25E39D6A4132389E5A7BE4AC00E13');
INSERT INTO "trail" VALUES(18,1795935252395312,'edition_delivered','zjol','zjol','93143d26688e4ed795f015d7bfcab215',NULL,'{"edition":"0d0d0bea8cf46e439bc8b44bb7b9f2fa83dd899fac8e527a6012ea5bf0135f5b","feed":"all","format":"rss","jti":"93143d26688e4ed795f015d7bfcab215","method":"GET","partner":"zjol","request":"6932dfcc00332d30","status":200,"use":""}',X'D0073750F5144D243ABDD40752F4C512547434570820657C9F78A03ABAB2B426');
INSERT INTO "trail" VALUES(19,1795935252523062,'edition_delivered','hzw','hzw','b6d16f66726741b999db2696fbb6d2a7',NULL,'{"edition":"55c2c266cf32c24a83d951cca27dd42273bbe441d018e536b86d586b03425a04","feed":"all","format":"json","jti":"b6d16f66726741b999db2696fbb6d2a7","method":"GET","partner":"hzw","request":"4a3b35e6a4d0cdbd","status":200,"use":""}',X'977D49B6B2AEFE42C3B158DE23D79557820B1946D03D5031AA455894315D3497');
INSERT INTO "trail" VALUES(20,1795935252600955,'item_delivered','zjol','zjol','93143d26688e4ed795f015d7bfcab215','20261127-d5wi7ehfl7','{"clause":"L-zjol#1","item":"20261127-d5wi7ehfl7","jti":"93143d26688e4ed795f015d7bfcab215","mandate":"HEAD-1","method":"GET","partner":"zjol","request":"124cd81ae6b24c9a","status":200,"use":"reprint","version":1}',X'1D5AC1DD70AF8438B9146658B3A23D6BC4FC18D1B05F55CC65C8B7D40EAB68E0');
INSERT INTO "trail" VALUES(21,1795935253047941,'key_rejected','hzw','hzw','3ed1ebc410d346029583c6ecfbc481b8',NULL,'{"code":"key_revoked","detail":"the key was revoked","jti":"3ed1ebc410d346029583c6ecfbc481b8","partner":"hzw","request":"f73642aee3bf1058","times":1}',X'967746F7355E7F120A4DCC8C82925FCD9B035BEE3605632247E7DDD2F7E0F440');
INSERT INTO "trail" VALUES(22,1795935253132361,'changes_delivered','hzw','hzw','b6d16f66726741b999db2696fbb6d2a7',NULL,'{"after":0,"count":4,"edition":"c4236b9aa62eb15c641776318ac38bacca4b9120a668b26ba170dea6d25f697f","jti":"b6d16f66726741b999db2696fbb6d2a7","next":1795935253104488,"partner":"hzw","request":"826a642e4470095d"}',X'32AC2C530E14CE53CB8DB3F166DC3939A1D96B732B0B209F802F3A0E19D0FD2A');
INSERT INTO "trail" VALUES(23,1795935253200663,'changes_delivered','zjol','zjol','93143d26688e4ed795f015d7bfcab215',NULL,'{"after":0,"count":2,"edition":"dd24309dca42286e0e19259f61b3e77438605ac4944a02d260ff1fb2a807839a","jti":"93143d26688e4ed795f015d7bfcab215","next":1795935253177947,"partner":"zjol","request":"379aa5c9846d69dc"}',X'891D56BABF69A4579B44B4CCD7172B743C1C67219D06A4AC8D476BC39CC5C4FB');
INSERT INTO "trail" VALUES(24,1795935253895939,'changes_acknowledged','zjol','zjol','93143d26688e4ed795f015d7bfcab215',NULL,'{"acknowledged":[1795935253177946,1795935253177947],"jti":"93143d26688e4ed795f015d7bfcab215","partner":"zjol","request":"442f15dce705411d"}',X'86ECB084D862C6B2380832DD4F1B0CE646FAAFF09B56DB902F7EA2B50C78D6B6');
INSERT INTO "trail" VALUES(25,1795935253968022,'changes_delivered','zjol','zjol','93143d26688e4ed795f015d7bfcab215',NULL,'{"after":1795935253177947,"count":2,"edition":"7b9825d400ebe6defe34b3d3784c0fa5719002ec6dfdb3da7a5a80298b102ea3","jti":"93143d26688e4ed795f015d7bfcab215","next":1795935253943411,"partner":"zjol","request":"602d519a35f7ba33"}',X'296A3B350E520C88FC5A998F2F90B82F8C1B2F125A46170F063E53F294D6B584');
INSERT INTO "trail" VALUES(26,1795935257251020,'item_corrected','staff',NULL,NULL,'20261127-brabjrumiq','{"digest":"9851b25434942e2d442025ceb974db5f1d4e9d40a8e217efce0861940a82a868","document":"docs/a2.txt","item":"20261127-brabjrumiq","note":"d8b4ae49ef54a8b569c1d81e616e6ebe7c2b6fa52988b43dbb30d77a50866e6a","version":2}',X'F318F6A16DBD966A2362600F25C2CDFF792F5F211BB9B46703C7FC03CA57673A');
INSERT INTO "trail" VALUES(27,1795935261608941,'item_recalled','staff',NULL,NULL,'20261127-d5wi7ehfl7','{"deadline":"2026-11-29T08:54:21.608941+00:00","given":2,"item":"20261127-d5wi7ehfl7","note":"68bf8af981276e57fe917fc83c8356e25a697f44ba07d0233d0ded19b2f78b01","reason":"editorial","version":1}',X'527392F18253606D0D57C15632B49CC2AECDA402D63C3F68F49CD220EC1F7374');
INSERT INTO "trail" VALUES(28,1795935261608941,'takedown_ordered','system','hzw',NULL,'20261127-d5wi7ehfl7','{"action":"recall","change":1795935261608941,"clause":"L-hzw#1","deadline":"2026-11-29T08:54:21.608941+00:00","item":"20261127-d5wi7ehfl7","partner":"hzw","reason":"editorial","version":1}',X'8AE9F1087EB84DB4220396CF81855A9AE77F45088FCB698364538C45BEB75FD2');
INSERT INTO "trail" VALUES(29,1795935261608941,'takedown_ordered','system','zjol',NULL,'20261127-d5wi7ehfl7','{"action":"recall","change":1795935261608941,"clause":"L-zjol#1","deadline":"2026-11-29T08:54:21.608941+00:00","item":"20261127-d5wi7ehfl7","partner":"zjol","reason":"editorial","version":1}',X'E475DFE3D9A9800C1A641B502192D66C02D8898A2268ABA870E9788774B6F7B2');
INSERT INTO "trail" VALUES(30,1795935266100358,'item_ingested','staff',NULL,NULL,'20261127-pipm4yzpb4','{"digest":"0149c97f32553099f7dbe74f6026534f92cf8d7baa8a5479e71176c5925ee1f1","document":"docs/e.txt","item":"20261127-pipm4yzpb4","version":1}',X'57B2A7F424BDB4AE03B2EB88B51BDC78F1DB997AFBCDD2A82655262E034ED123');
INSERT INTO "trail" VALUES(31,1795935266171993,'item_ingested','staff',NULL,NULL,'20261127-4chnjtvoe3','{"digest":"9c5a113e7f6e885ddd6b6d39d31d32fdb7b9d4abe1960389e04b85438774e9db","document":"docs/f.txt","item":"20261127-4chnjtvoe3","version":1}',X'2721DD5D3079F5D80E3E6403170C1543DA4501B68F606C268A38824321C7AD9C');
INSERT INTO "trail" VALUES(32,1795935269921159,'item_held','staff',NULL,NULL,'20261127-pipm4yzpb4','{"hold":"embargo","item":"20261127-pipm4yzpb4","partner":null,"until":"2031-01-01T08:00:00+08:00"}',X'250A3DDABDBB8095EB7480B52F6A69FA93E51B8A895AD3CE9B55241D6528BD8B');
INSERT INTO "trail" VALUES(33,1795935274572036,'item_held','staff',NULL,NULL,'20261127-4chnjtvoe3','{"hold":"withheld","item":"20261127-4chnjtvoe3","partner":null,"until":null}',X'E574B47B4E265B94BBB314BE464F422BBF590C41D18F8F63D854C8670558CF44');
INSERT INTO "trail" VALUES(34,1795935279749042,'item_held','staff','zjol',NULL,'20261127-tbfi33uiqo','{"hold":"exclusive","item":"20261127-tbfi33uiqo","partner":"zjol","until":"2031-01-01T00:00:00+08:00"}',X'53220C74D5E92B2933F39366DCD3BFBBB5A5A1B2E8888E6BC37A9A800447AE79');
INSERT INTO "trail" VALUES(35,1795935279749042,'takedown_ordered','system','hzw',NULL,'20261127-tbfi33uiqo','{"action":"withdraw","change":1795935279749042,"clause":"L-hzw#1","deadline":"2026-11-30T06:54:39.749042+00:00","item":"20261127-tbfi33uiqo","partner":"hzw","reason":"held_back","version":1}',X'48C603C23D0B830D5751DF7A6E42A8822E76BE2D5974C3EE9F6584099C2719DC');
INSERT INTO "trail" VALUES(36,1795935280499364,'licence_shown','zjol','zjol','93143d26688e4ed795f015d7bfcab215',NULL,'{"jti":"93143d26688e4ed795f015d7bfcab215","partner":"zjol","request":"af714654b5f191d3"}',X'896C5757F11F58BE768D011EA2AF123F70239B17655A8A60C959BC872CDEBB44');
CREATE TABLE usage (
	partner TEXT NOT NULL, 
	clause TEXT NOT NULL, 
	period TEXT NOT NULL, 
	used BIGINT NOT NULL, 
	PRIMARY KEY (partner, clause, period)
);
INSERT INTO "usage" VALUES('zjol','L-zjol#1','2026-11-29',4);
CREATE TABLE versions (
	item TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	ingested BIGINT NOT NULL, 
	first_ingested BIGINT NOT NULL, 
	content TEXT NOT NULL, line BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (item, version), 
	FOREIGN KEY(item) REFERENCES items (id)
);
INSERT INTO "versions" VALUES('20261127-brabjrumiq',1,1795935223428256,1795935223428256,'{"abstract":"湘湖二期的岸线二十七日起向市民开放，全长六公里，沿…","address":null,"body":[["paragraph","湘湖二期的岸线二十七日起向市民开放，全长六公里，沿途设驿站四处。","湘湖二期的岸线二十七日起向市民开放，全长六公里，沿途设驿站四处。"],["paragraph","区园林管理处说，夜间照明将在年底前完工。","区园林管理处说，夜间照明将在年底前完工。"]],"byline":null,"channel":"news","editor":null,"headline":"湘湖二期岸线开放","keywords":[],"language":"zh-CN","medium":"text","outlet":"daily","published":"2026-11-27T08:00:00+08:00","source":"萧山日报"}',8);
INSERT INTO "versions" VALUES('20261127-d5wi7ehfl7',1,1795935223471064,1795935223471064,'{"abstract":"十二月一日起，三条公交线路的首末班时…","address":null,"body":[["paragraph","十二月一日起，三条公交线路的首末班时间作出调整。","十二月一日起，三条公交线路的首末班时间作出调整。"],["paragraph","调整后的时刻表将在各站点张贴。","调整后的时刻表将在各站点张贴。"]],"byline":null,"channel":"news","editor":null,"headline":"三条公交线路调整","keywords":[],"language":"zh-CN","medium":"text","outlet":"daily","published":"2026-11-27T09:00:00+08:00","source":"萧山日报"}',9);
INSERT INTO "versions" VALUES('20261127-tbfi33uiqo',1,1795935223494369,1795935223494369,'{"abstract":"城河清淤工程本周完工，共清出淤…","address":null,"body":[["paragraph","城河清淤工程本周完工，共清出淤泥两万立方米。","城河清淤工程本周完工，共清出淤泥两万立方米。"],["paragraph","沿河步道同时恢复通行。","沿河步道同时恢复通行。"]],"byline":null,"channel":"news","editor":null,"headline":"城河清淤本周完工","keywords":[],"language":"zh-CN","medium":"text","outlet":"daily","published":"2026-11-27T10:00:00+08:00","source":"萧山日报"}',10);
INSERT INTO "versions" VALUES('20261127-o3253pz6sm',1,1795935223516063,1795935223516063,'{"abstract":"区内五处公园公布明年的免费开放…","address":null,"body":[["paragraph","区内五处公园公布明年的免费开放日，共十二天。","区内五处公园公布明年的免费开放日，共十二天。"],["paragraph","团体参观须提前预约。","团体参观须提前预约。"]],"byline":null,"channel":"news","editor":null,"headline":"明年公园免费日公布","keywords":[],"language":"zh-CN","medium":"text","outlet":"daily","published":"2026-11-27T11:00:00+08:00","source":"萧山日报"}',11);
INSERT INTO "versions" VALUES('20261127-brabjrumiq',2,1795935257251020,1795935223428256,'{"abstract":"湘湖二期的岸线二十七日起向市民开放，全长六点五公里，…","address":null,"body":[["paragraph","湘湖二期的岸线二十七日起向市民开放，全长六点五公里，沿途设驿站四处。","湘湖二期的岸线二十七日起向市民开放，全长六点五公里，沿途设驿站四处。"],["paragraph","区园林管理处说，夜间照明将在年底前完工。","区园林管理处说，夜间照明将在年底前完工。"]],"byline":null,"channel":"news","editor":null,"headline":"湘湖二期岸线开放","keywords":[],"language":"zh-CN","medium":"text","note":"全长应为六点五公里","outlet":"daily","published":"2026-11-27T08:00:00+08:00","source":"萧山日报"}',26);
INSERT INTO "versions" VALUES('20261127-pipm4yzpb4',1,1795935266100358,1795935266100358,'{"abstract":"老街改造方案自即日起公示十天，市民可…","address":null,"body":[["paragraph","老街改造方案自即日起公示十天，市民可以到现场提出意见。","老街改造方案自即日起公示十天，市民可以到现场提出意见。"],["paragraph","方案保留原有的石板路面。","方案保留原有的石板路面。"]],"byline":null,"channel":"news","editor":null,"headline":"老街改造方案公示","keywords":[],"language":"zh-CN","medium":"text","outlet":"daily","published":"2026-11-27T12:00:00+08:00","source":"萧山日报"}',30);
INSERT INTO "versions" VALUES('20261127-4chnjtvoe3',1,1795935266171993,1795935266171993,'{"abstract":"区图书馆周末延长开放到晚上九…","address":null,"body":[["paragraph","区图书馆周末延长开放到晚上九点。","区图书馆周末延长开放到晚上九点。"],["paragraph","自习室的座位可以提前一天预约。","自习室的座位可以提前一天预约。"]],"byline":null,"channel":"news","editor":null,"headline":"图书馆延长开放","keywords":[],"language":"zh-CN","medium":"text","outlet":"daily","published":"2026-11-27T13:00:00+08:00","source":"萧山日报"}',31);
CREATE INDEX items_newest ON items (published, id);
CREATE INDEX items_by_channel ON items (channel, published, id);
CREATE INDEX items_by_medium ON items (medium, published, id);
CREATE INDEX items_by_outlet ON items (outlet, medium, published, id);
CREATE INDEX items_by_all ON items (outlet, medium, channel, published, id);
CREATE INDEX item_keys_by_item ON item_keys (item);
CREATE INDEX keys_by_partner ON keys (partner, issued);
CREATE INDEX trail_by_partner ON trail (partner, seq);
CREATE INDEX trail_by_key ON trail (jti, seq);
CREATE INDEX trail_by_item ON trail (item, seq);
CREATE TRIGGER trail_no_delete BEFORE DELETE ON trail BEGIN SELECT RAISE(ABORT, 'trail only grows'); END;
CREATE TRIGGER trail_no_replace BEFORE INSERT ON trail WHEN NEW.seq <= (SELECT coalesce(max(seq), 0) FROM trail) BEGIN SELECT RAISE(ABORT, 'trail only grows'); END;
CREATE TRIGGER versions_no_delete BEFORE DELETE ON versions BEGIN SELECT RAISE(ABORT, 'versions only grows'); END;
CREATE TRIGGER versions_no_replace BEFORE INSERT ON versions WHEN EXISTS (SELECT 1 FROM versions WHERE item = NEW.item AND version = NEW.version) BEGIN SELECT RAISE(ABORT, 'versions only grows'); END;
CREATE TRIGGER manifests_no_update BEFORE UPDATE ON manifests BEGIN SELECT RAISE(ABORT, 'manifests only grows'); END;
CREATE TRIGGER manifests_no_delete BEFORE DELETE ON manifests BEGIN SELECT RAISE(ABORT, 'manifests only grows'); END;
CREATE TRIGGER manifests_no_replace BEFORE INSERT ON manifests WHEN EXISTS (SELECT 1 FROM manifests WHERE digest = NEW.digest) BEGIN SELECT RAISE(ABORT, 'manifests only grows'); END;
CREATE TRIGGER mandates_no_delete BEFORE DELETE ON mandates BEGIN SELECT RAISE(ABORT, 'mandates only grows'); END;
CREATE TRIGGER mandates_no_replace BEFORE INSERT ON mandates WHEN EXISTS (SELECT 1 FROM mandates WHERE number = NEW.number AND revision = NEW.revision) BEGIN SELECT RAISE(ABORT, 'mandates only grows'); END;
CREATE TRIGGER licences_no_delete BEFORE DELETE ON licences BEGIN SELECT RAISE(ABORT, 'licences only grows'); END;
CREATE TRIGGER licences_no_replace BEFORE INSERT ON licences WHEN EXISTS (SELECT 1 FROM licences WHERE number = NEW.number AND revision = NEW.revision) BEGIN SELECT RAISE(ABORT, 'licences only grows'); END;
CREATE INDEX items_changed ON items (changed);
CREATE INDEX items_available ON items (available);
CREATE INDEX items_exclusive ON items (exclusive_until);
CREATE INDEX trail_by_time ON trail (at, seq);
CREATE INDEX deliveries_by_item ON deliveries (item, partner);
CREATE INDEX deliveries_by_time ON deliveries (at);
CREATE INDEX changes_by_item ON changes (item, partner, seq);
CREATE INDEX changes_by_deadline ON changes (deadline);
CREATE INDEX holdings_by_item ON holdings (item, partner);
CREATE TRIGGER trail_no_update BEFORE UPDATE ON trail BEGIN SELECT RAISE(ABORT, 'trail only grows'); END;
CREATE TRIGGER versions_no_update BEFORE UPDATE ON versions BEGIN SELECT RAISE(ABORT, 'versions only grows'); END;
CREATE TRIGGER mandates_no_update BEFORE UPDATE ON mandates BEGIN SELECT RAISE(ABORT, 'mandates only grows'); END;
CREATE TRIGGER licences_no_update BEFORE UPDATE ON licences BEGIN SELECT RAISE(ABORT, 'licences only grows'); END;
CREATE TRIGGER holds_no_update BEFORE UPDATE ON holds BEGIN SELECT RAISE(ABORT, 'holds only grows'); END;
CREATE TRIGGER holds_no_delete BEFORE DELETE ON holds BEGIN SELECT RAISE(ABORT, 'holds only grows'); END;
CREATE TRIGGER holds_no_replace BEFORE INSERT ON holds WHEN EXISTS (SELECT 1 FROM holds WHERE item = NEW.item AND revision = NEW.revision) BEGIN SELECT RAISE(ABORT, 'holds only grows'); END;
CREATE TRIGGER partner_revisions_no_update BEFORE UPDATE ON partner_revisions BEGIN SELECT RAISE(ABORT, 'partner_revisions only grows'); END;
CREATE TRIGGER partner_revisions_no_delete BEFORE DELETE ON partner_revisions BEGIN SELECT RAISE(ABORT, 'partner_revisions only grows'); END;
CREATE TRIGGER partner_revisions_no_replace BEFORE INSERT ON partner_revisions WHEN EXISTS (SELECT 1 FROM partner_revisions WHERE partner = NEW.partner AND revision = NEW.revision) BEGIN SELECT RAISE(ABORT, 'partner_revisions only grows'); END;
CREATE TRIGGER checkpoints_no_update BEFORE UPDATE ON checkpoints BEGIN SELECT RAISE(ABORT, 'checkpoints only grows'); END;
CREATE TRIGGER checkpoints_no_delete BEFORE DELETE ON checkpoints BEGIN SELECT RAISE(ABORT, 'checkpoints only grows'); END;
CREATE TRIGGER checkpoints_no_replace BEFORE INSERT ON checkpoints WHEN NEW.size <= (SELECT coalesce(max(size), 0) FROM checkpoints) BEGIN SELECT RAISE(ABORT, 'checkpoints only grows'); END;
CREATE TRIGGER deliveries_no_update BEFORE UPDATE ON deliveries BEGIN SELECT RAISE(ABORT, 'deliveries only grows'); END;
CREATE TRIGGER deliveries_no_delete BEFORE DELETE ON deliveries BEGIN SELECT RAISE(ABORT, 'deliveries only grows'); END;
CREATE TRIGGER deliveries_no_replace BEFORE INSERT ON deliveries WHEN EXISTS (SELECT 1 FROM deliveries WHERE partner = NEW.partner AND clause = NEW.clause AND item = NEW.item AND version = NEW.version) BEGIN SELECT RAISE(ABORT, 'deliveries only grows'); END;
CREATE TRIGGER changes_no_update BEFORE UPDATE ON changes BEGIN SELECT RAISE(ABORT, 'changes only grows'); END;
CREATE TRIGGER changes_no_delete BEFORE DELETE ON changes BEGIN SELECT RAISE(ABORT, 'changes only grows'); END;
CREATE TRIGGER changes_no_replace BEFORE INSERT ON changes WHEN EXISTS (SELECT 1 FROM changes WHERE partner = NEW.partner AND seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'changes only grows'); END;
CREATE TRIGGER acknowledgements_no_update BEFORE UPDATE ON acknowledgements BEGIN SELECT RAISE(ABORT, 'acknowledgements only grows'); END;
CREATE TRIGGER acknowledgements_no_delete BEFORE DELETE ON acknowledgements BEGIN SELECT RAISE(ABORT, 'acknowledgements only grows'); END;
CREATE TRIGGER acknowledgements_no_replace BEFORE INSERT ON acknowledgements WHEN EXISTS (SELECT 1 FROM acknowledgements WHERE partner = NEW.partner AND seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'acknowledgements only grows'); END;
CREATE TRIGGER overdue_no_update BEFORE UPDATE ON overdue BEGIN SELECT RAISE(ABORT, 'overdue only grows'); END;
CREATE TRIGGER overdue_no_delete BEFORE DELETE ON overdue BEGIN SELECT RAISE(ABORT, 'overdue only grows'); END;
CREATE TRIGGER overdue_no_replace BEFORE INSERT ON overdue WHEN EXISTS (SELECT 1 FROM overdue WHERE partner = NEW.partner AND seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'overdue only grows'); END;
COMMIT;
