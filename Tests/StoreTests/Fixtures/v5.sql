PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
INSERT INTO grdb_migrations VALUES('v1');
INSERT INTO grdb_migrations VALUES('v2 images');
INSERT INTO grdb_migrations VALUES('v3 builds on the host');
INSERT INTO grdb_migrations VALUES('v4 own images and last words');
INSERT INTO grdb_migrations VALUES('v5 projects');
CREATE TABLE deployments (
    project TEXT NOT NULL,
    number INTEGER NOT NULL CHECK (number > 0),
    kind TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    author TEXT NOT NULL,
    commit_time INTEGER NOT NULL, -- seconds since 1970; all other times are milliseconds
    status TEXT NOT NULL,
    reason TEXT,
    message TEXT,
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    attempts INTEGER NOT NULL,
    "commit" TEXT NOT NULL, -- JSON
    changes TEXT NOT NULL, -- JSON
    before TEXT, -- JSON
    PRIMARY KEY (project, number)
) STRICT;
INSERT INTO deployments VALUES('shop',1,'rollback','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','It''s «new»; DROP TABLE x; 🐳','Ann Ö. <ann@example.com>',1700000000,'succeeded','unhealthy',replace('web: unhealthy\nafter 3 probes','\n',char(10)),1700000000001,1700000000501,3,'{"author":"Ann Ö. <ann@example.com>","id":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","parents":["0123456789"],"subject":"It''s «new»; DROP TABLE x; 🐳","time":1700000000}','[{"action":"scale-down","causes":["image a → b","\"quoted\""],"kind":"service","name":"web"}]','{"apiVersion":"1.41","containers":[{"exitCode":0,"id":"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc","imageID":"","isOneOff":false,"labels":{"com.docker.compose.project":"shop"},"mounts":[{"name":"data","source":"/var/lib","target":"/data","type":"volume"}],"name":"shop-web-1","networks":{},"number":1,"ports":[],"restartCount":0,"restartPolicy":"","service":"web","state":"running"}],"images":{},"networks":{"shop_default":{"id":"n","labels":{},"name":"shop_default"}},"volumes":{}}');
INSERT INTO deployments VALUES('shop',2,'rollback','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','It''s «new»; DROP TABLE x; 🐳','Ann Ö. <ann@example.com>',1700000000,'restore-failed','unhealthy',replace('web: unhealthy\nafter 3 probes','\n',char(10)),1700000000002,1700000000502,3,'{"author":"Ann Ö. <ann@example.com>","id":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","parents":["0123456789"],"subject":"It''s «new»; DROP TABLE x; 🐳","time":1700000000}','[{"action":"scale-down","causes":["image a → b","\"quoted\""],"kind":"service","name":"web"}]','{"apiVersion":"1.41","containers":[{"exitCode":0,"id":"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc","imageID":"","isOneOff":false,"labels":{"com.docker.compose.project":"shop"},"mounts":[{"name":"data","source":"/var/lib","target":"/data","type":"volume"}],"name":"shop-web-1","networks":{},"number":1,"ports":[],"restartCount":0,"restartPolicy":"","service":"web","state":"running"}],"images":{},"networks":{"shop_default":{"id":"n","labels":{},"name":"shop_default"}},"volumes":{}}');
INSERT INTO deployments VALUES('shop',3,'rollback','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','It''s «new»; DROP TABLE x; 🐳','Ann Ö. <ann@example.com>',1700000000,'open','unhealthy',replace('web: unhealthy\nafter 3 probes','\n',char(10)),1700000000003,NULL,3,'{"author":"Ann Ö. <ann@example.com>","id":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","parents":["0123456789"],"subject":"It''s «new»; DROP TABLE x; 🐳","time":1700000000}','[{"action":"scale-down","causes":["image a → b","\"quoted\""],"kind":"service","name":"web"}]','{"apiVersion":"1.41","containers":[{"exitCode":0,"id":"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc","imageID":"","isOneOff":false,"labels":{"com.docker.compose.project":"shop"},"mounts":[{"name":"data","source":"/var/lib","target":"/data","type":"volume"}],"name":"shop-web-1","networks":{},"number":1,"ports":[],"restartCount":0,"restartPolicy":"","service":"web","state":"running"}],"images":{},"networks":{"shop_default":{"id":"n","labels":{},"name":"shop_default"}},"volumes":{}}');
INSERT INTO deployments VALUES('shop',4,'deploy','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','Raise the limit','Ann Ö. <ann@example.com>',1700000000,'postponed','rate-limited',NULL,1700000000004,1700000000504,1,'{"author":"Ann Ö. <ann@example.com>","id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","parents":["0123456789"],"subject":"Raise the limit","time":1700000000}','[]',NULL);
CREATE TABLE snapshots (
    project TEXT NOT NULL,
    number INTEGER NOT NULL,
    compose_files TEXT NOT NULL, -- these are all JSON
    project_model TEXT NOT NULL,
    image_ids TEXT NOT NULL,
    content_hashes TEXT NOT NULL,
    contents TEXT NOT NULL,
    completed TEXT NOT NULL, image_digests TEXT NOT NULL DEFAULT '{}', builds TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (project, number),
    FOREIGN KEY (project, number) REFERENCES deployments ON DELETE CASCADE
) STRICT;
INSERT INTO snapshots VALUES('shop',1,'{"compose.yaml":"services:\n  web:\n    image: \"a\"\n# ünï\n"}','{"configFiles":["/srv/shop/compose.yaml"],"extensions":{"x-any":{"list":{"_0":[{"float":{"_0":"inf"}},{"float":{"_0":0.1}},{"int":{"_0":9223372036854775807}},{"null":{}},{"map":{"_0":{"k":{"bool":{"_0":true}}}}}]}}},"name":"shop","services":{"web":{"command":["sh","-c","echo \"a\\b\""],"cpus":0.1,"name":"web"}},"workingDirectory":"/srv/shop"}','{"web":"sha256:1"}','{"web":"h"}','{"web":{"./conf/a b":"4b825dc6"}}','["migrate","setup"]','{}','{}');
INSERT INTO snapshots VALUES('shop',2,'{"compose.yaml":"services:\n  web:\n    image: \"a\"\n# ünï\n"}','{"configFiles":["/srv/shop/compose.yaml"],"extensions":{"x-any":{"list":{"_0":[{"float":{"_0":"inf"}},{"float":{"_0":0.1}},{"int":{"_0":9223372036854775807}},{"null":{}},{"map":{"_0":{"k":{"bool":{"_0":true}}}}}]}}},"name":"shop","services":{"web":{"command":["sh","-c","echo \"a\\b\""],"cpus":0.1,"name":"web"}},"workingDirectory":"/srv/shop"}','{"web":"sha256:1"}','{"web":"h"}','{"web":{"./conf/a b":"4b825dc6"}}','["migrate","setup"]','{}','{}');
INSERT INTO snapshots VALUES('shop',3,'{"compose.yaml":"services:\n  web:\n    image: \"a\"\n# ünï\n"}','{"configFiles":["/srv/shop/compose.yaml"],"extensions":{"x-any":{"list":{"_0":[{"float":{"_0":"inf"}},{"float":{"_0":0.1}},{"int":{"_0":9223372036854775807}},{"null":{}},{"map":{"_0":{"k":{"bool":{"_0":true}}}}}]}}},"name":"shop","services":{"web":{"command":["sh","-c","echo \"a\\b\""],"cpus":0.1,"name":"web"}},"workingDirectory":"/srv/shop"}','{"web":"sha256:1"}','{"web":"h"}','{"web":{"./conf/a b":"4b825dc6"}}','["migrate","setup"]','{}','{}');
CREATE TABLE events (
    project TEXT NOT NULL,
    number INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    stage TEXT NOT NULL,
    state TEXT NOT NULL,
    service TEXT,
    line TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (project, number, seq),
    FOREIGN KEY (project, number) REFERENCES deployments ON DELETE CASCADE
) STRICT;
INSERT INTO events VALUES('shop',3,1,'progress','apply','running','web','created it''s',1700000000123);
INSERT INTO events VALUES('shop',3,2,'progress','apply','running',NULL,'done',1700000000123);
CREATE TABLE skip_list (
    project TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    code TEXT, -- NULL: put there by hand
    since INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    subject TEXT,
    PRIMARY KEY (project, commit_id)
) STRICT;
INSERT INTO skip_list VALUES('shop','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','web: unhealthy','unhealthy',1000,1,'Raise the limit');
INSERT INTO skip_list VALUES('shop','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','not on a Friday',NULL,1000,0,NULL);
CREATE TABLE suspensions (
    project TEXT PRIMARY KEY NOT NULL,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER -- NULL: until resumed
) STRICT;
INSERT INTO suspensions VALUES('shop','fair',1,2);
CREATE TABLE host_builds (
    project TEXT NOT NULL,
    number INTEGER NOT NULL,
    build TEXT NOT NULL,
    PRIMARY KEY (project, number),
    FOREIGN KEY (project, number) REFERENCES deployments ON DELETE CASCADE
) STRICT;
INSERT INTO host_builds VALUES('shop',1,'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb-0123456789abcdef');
CREATE TABLE images (
    project TEXT NOT NULL,
    id TEXT NOT NULL,
    reference TEXT NOT NULL,
    PRIMARY KEY (project, id)
) STRICT;
INSERT INTO images VALUES('shop','sha256:1','web:1');
CREATE TABLE failures (
    project TEXT NOT NULL,
    number INTEGER NOT NULL,
    service TEXT,
    log_lines TEXT NOT NULL, -- JSON
    PRIMARY KEY (project, number),
    FOREIGN KEY (project, number) REFERENCES deployments ON DELETE CASCADE
) STRICT;
INSERT INTO failures VALUES('shop',2,'web','["it''s","over"]');
CREATE TABLE projects (
    project TEXT PRIMARY KEY NOT NULL,
    compose_project TEXT, -- NULL: nothing was made of it on the engine
    engine TEXT, -- NULL: the default one
    deployed TEXT, -- JSON; NULL: the commit of the last good deployment
    deployed_after INTEGER, -- the last good deployment when `deployed` was set, 0: none; void after a later one
    observed_tip TEXT, -- JSON
    observed_at INTEGER
) STRICT;
INSERT INTO projects VALUES('shop','shop','tcp://other:2376',NULL,NULL,'{"author":"Ann Ö. <ann@example.com>","id":"cccccccccccccccccccccccccccccccccccccccc","parents":["0123456789"],"subject":"Raise the limit","time":1700000000}',1700000000009);
COMMIT;
