//! The two migration folders: the same versions, the same tables, the same columns.

use std::collections::BTreeSet;
use std::path::Path;

use sqlx::{Connection, PgConnection, SqliteConnection};
use store::testing::PostgresServer;

use crate::ground::Ground;

/// Table, column, type, and whether it may be NULL.
type Column = (String, String, String, bool);

pub async fn both_engines_have_the_same_tables(server: &PostgresServer) {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:{}", folder.path().join("schema.db").display());
    let postgres = server.create_database("schema").await.unwrap();
    for url in [&sqlite, &postgres] {
        Ground::new(url.clone()).store().await.close().await;
    }
    let (ours, theirs) = (sqlite_columns(&sqlite).await, postgres_columns(&postgres).await);
    assert!(ours.len() > 100, "{} columns", ours.len());
    let different: Vec<_> = ours.symmetric_difference(&theirs).collect();
    assert!(different.is_empty(), "{different:?}");
}

async fn sqlite_columns(url: &str) -> BTreeSet<Column> {
    let mut connection = SqliteConnection::connect(url).await.unwrap();
    let rows: Vec<(String, String, String, i64, i64)> = sqlx::query_as(
        "SELECT m.name, p.name, p.type, p.\"notnull\", p.pk
         FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS p
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name <> '_sqlx_migrations'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let strict: Vec<(String, i64)> = sqlx::query_as(
        "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    for (table, strict) in strict {
        assert!(
            strict == 1 || table.starts_with("sqlite") || table == "_sqlx_migrations",
            "{table}"
        );
    }
    rows.into_iter()
        .map(|(table, column, kind, not_null, key)| {
            let kind = match kind.as_str() {
                "INTEGER" => "bigint",
                "TEXT" => "text",
                "BLOB" => "bytea",
                other => other,
            };
            (table, column, kind.into(), not_null == 0 && key == 0)
        })
        .collect()
}

async fn postgres_columns(url: &str) -> BTreeSet<Column> {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let rows: Vec<(String, String, String, String)> = sqlx::query_as(
        "SELECT table_name::TEXT, column_name::TEXT, data_type::TEXT, is_nullable::TEXT
         FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    rows.into_iter()
        .map(|(table, column, kind, nullable)| (table, column, kind, nullable == "YES"))
        .collect()
}

#[test]
fn both_folders_hold_the_same_versions() {
    let versions = |engine: &str| -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(engine);
        std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    assert!(!versions("sqlite").is_empty());
    assert_eq!(versions("sqlite"), versions("postgres"));
}
