"""Where Redrive keeps what several processes share: implementations of the parts' own store protocols.

`memory` for one process and for tests, `redis` for Redis and Valkey, `sql` for the project's database. Each
passes the same contract suites (`redrive.testing`), so that which one is used changes speed and reach, never
meaning. They do not import each other, and none is imported here: a project without Redis needs no redis
package.
"""
