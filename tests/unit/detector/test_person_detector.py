"""Anchors, decoding and merging of the person detector's raw output."""

from __future__ import annotations

import numpy as np
import pytest

from liftline_detector.blazepose.person_detector import INPUT_PX, anchor_centres, decode, merge, overlap


def test_there_is_an_anchor_for_each_row_of_the_model():
    assert anchor_centres().shape == (2254, 2)


def test_anchors_sit_in_the_middle_of_their_cells_row_by_row():
    anchors = anchor_centres() * INPUT_PX
    np.testing.assert_allclose(anchors[[0, 1, 2, 56]], [[4, 4], [4, 4], [12, 4], [4, 12]], rtol=1e-6)
    np.testing.assert_allclose(anchors[1568], [8, 8], rtol=1e-6)
    np.testing.assert_allclose(anchors[-1], [208, 208], rtol=1e-6)


def test_anchors_are_spread_evenly():
    np.testing.assert_allclose(anchor_centres().mean(axis=0), [0.5, 0.5], atol=1e-6)


def raw_row(*, offset_px=(0.0, 0.0), size_px=(56.0, 28.0), hips_px=(0.0, 20.0)):
    row = np.zeros(12, np.float32)
    row[0:2], row[2:4], row[4:6] = offset_px, size_px, hips_px
    return row


def test_decoding_moves_boxes_and_points_to_their_anchor():
    anchors = np.array([[0.5, 0.25]], np.float32)
    boxes, points, scores = decode(raw_row()[np.newaxis], np.array([2.0], np.float32), anchors)
    np.testing.assert_allclose(boxes[0] * INPUT_PX, [84, 42, 140, 70], rtol=1e-5)
    np.testing.assert_allclose(points[0, 0] * INPUT_PX, [112, 76], rtol=1e-5)
    assert scores[0] == pytest.approx(1 / (1 + np.exp(-2)))


def test_decoding_drops_rows_below_the_score():
    rows = np.stack([raw_row(), raw_row()])
    _, _, scores = decode(rows, np.array([-1.0, 1.0], np.float32), np.full((2, 2), 0.5, np.float32))
    assert len(scores) == 1


def test_decoding_survives_extreme_logits():
    _, _, scores = decode(raw_row()[np.newaxis], np.array([1e6], np.float32), np.zeros((1, 2), np.float32))
    assert scores[0] == pytest.approx(1)


def test_overlapping_rows_are_merged_by_their_scores():
    boxes = np.array([[0, 0, 1, 1], [0, 0, 1, 1]], np.float32)
    points = np.stack([np.zeros((4, 2)), np.ones((4, 2))]).astype(np.float32)
    found = merge(boxes, points, np.array([0.9, 0.6], np.float32))
    assert [score for score, _ in found] == [pytest.approx(0.9)]
    np.testing.assert_allclose(found[0][1], np.full((4, 2), 0.4), rtol=1e-5)


def test_rows_apart_stay_apart_the_best_first():
    boxes = np.array([[0, 0, 0.2, 0.2], [0.7, 0.7, 0.9, 0.9]], np.float32)
    found = merge(boxes, np.zeros((2, 4, 2), np.float32), np.array([0.6, 0.8], np.float32))
    assert [round(score, 3) for score, _ in found] == [0.8, 0.6]


def test_merging_nothing_gives_nobody():
    assert merge(np.zeros((0, 4)), np.zeros((0, 4, 2)), np.zeros(0)) == []


def test_overlap_of_a_degenerate_box_is_zero():
    box = np.array([0.5, 0.5, 0.5, 0.5], np.float32)
    assert overlap(box, box[np.newaxis]).tolist() == [0.0]
