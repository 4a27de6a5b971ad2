#!/usr/bin/env python3
"""Makes the workbooks beside this file with XlsxWriter 3, a program of its own: pip install XlsxWriter."""

import datetime
import pathlib

import xlsxwriter

HERE = pathlib.Path(__file__).parent


def readings(name, **options):
    book = xlsxwriter.Workbook(HERE / name, options)
    book.set_properties({"created": datetime.datetime(2016, 5, 1)})
    when = book.add_format({"num_format": "yyyy/m/d h:mm"})
    sheet = book.add_worksheet("东风村")
    sheet.merge_range("A1:D1", "2016年5月抄表")
    sheet.write_row("A3", ["水 表", "时间", "读数(m³)", "备注", "抄表人"])
    sheet.write("A4", "w01")
    sheet.write_datetime("B4", datetime.datetime(2016, 5, 1, 14, 0), when)
    sheet.write("C4", 4720.6)
    sheet.write("E4", "张")
    sheet.write_row("A5", ["w02", "2016/5/1 14:05", "838860.7", "表盖\n松动", "张"])
    sheet.write("A7", 7)
    sheet.write_datetime("B7", datetime.datetime(2016, 5, 1, 14, 10, 30), when)
    sheet.write_formula("C7", "=0.1+0.2", None, 0.1 + 0.2)
    sheet.write_formula("D7", "=NA()", None, "#N/A")
    hidden = book.add_worksheet("旧表")
    hidden.write("A1", "nothing of this is handed in")
    hidden.hide()
    book.add_worksheet("空表")
    other = book.add_worksheet("西沟村")
    other.write_row("A1", ["meter", "TIME", "reading_m3"])
    other.write("A2", "w09")
    other.write_datetime("B2", datetime.datetime(2016, 5, 2), when)
    other.write("C2", 12)
    book.close()


def roster(name):
    book = xlsxwriter.Workbook(HERE / name)
    book.set_properties({"created": datetime.datetime(2016, 5, 1)})
    sheet = book.add_worksheet("东渠村")
    sheet.merge_range("A1:G1", "东渠村农户地块表")
    sheet.write_row("A2", ["户号", "组", "户主姓名", "灌溉面积（亩）", "种植作物", "水源", "水权（m³）"])
    sheet.write_row("A3", [1002, "二社", "", 0.01, "蔬菜", "地表水"])
    sheet.write_row("A4", [101, "一社", "张小明"])
    sheet.write_formula("D4", "=8.3+0.1", None, 8.3 + 0.1)
    sheet.write_row("E4", ["制种玉米", "机井", 2160.5])
    sheet.write_row("A5", ["１０１", "一社", "张小明", "2.5", "小麦", "地表水"])
    book.close()


roster("roster.xlsx")
readings("readings.xlsx")
readings("readings-1904.xlsx", date_1904=True)
