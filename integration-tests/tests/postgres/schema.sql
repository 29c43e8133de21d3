CREATE TABLE accounts (id bigint PRIMARY KEY, balance bigint NOT NULL, fence bigint NOT NULL DEFAULT 0);
CREATE TABLE fences (resource text PRIMARY KEY, fence bigint NOT NULL);
